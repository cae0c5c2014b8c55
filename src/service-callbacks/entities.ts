import { CallbackApiEntity } from './endpoints/callback-api.entity.js';
import { CallbackEntity } from './callbacks/callback.entity.js';
import { ReplayRunEntity } from './callbacks/replay-run.entity.js';

/** The entities for a host's `DataSource`, beside `serviceCallbackMigrations`. */
export const serviceCallbackEntities = [CallbackApiEntity, CallbackEntity, ReplayRunEntity] as const;
