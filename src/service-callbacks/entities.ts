import { CallbackApiEntity } from './endpoints/callback-api.entity.js';

/** What a host lists in its `DataSource`, beside `serviceCallbackMigrations`. */
export const serviceCallbackEntities = [CallbackApiEntity] as const;
