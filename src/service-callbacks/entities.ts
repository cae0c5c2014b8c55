import { CallbackApiEntity } from './callback-apis/callback-api.entity.js';
import { DeadLetterEntity } from './dead-letters/dead-letter.entity.js';
import { ReplayRunEntity } from './dead-letters/replay-run.entity.js';

/** What a host lists in its `DataSource`, beside `serviceCallbackMigrations`. */
export const serviceCallbackEntities = [CallbackApiEntity, DeadLetterEntity, ReplayRunEntity] as const;
