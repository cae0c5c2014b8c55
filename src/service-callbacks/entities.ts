import { CallbackApiEntity } from './callback-apis/callback-api.entity.js';
import { DeadLetterEntity } from './dead-letters/dead-letter.entity.js';

/** What a host lists in its `DataSource`, beside `serviceCallbackMigrations`. */
export const serviceCallbackEntities = [CallbackApiEntity, DeadLetterEntity] as const;
