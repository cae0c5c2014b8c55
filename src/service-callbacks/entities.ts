import { CallbackApiEntity } from './endpoints/callback-api.entity.js';

/** The entities for a host's `DataSource`, beside `serviceCallbackMigrations`. */
export const serviceCallbackEntities = [CallbackApiEntity] as const;
