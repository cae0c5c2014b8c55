import { CallbackApiEntity } from './endpoints/callback-api.entity.js';
import { CallbackEntity } from './callbacks/callback.entity.js';
import { ReplayRunEntity } from './replay/replay-run.entity.js';

/** What a host lists in its `DataSource`, beside `serviceCallbackMigrations`. */
export const serviceCallbackEntities = [CallbackApiEntity, CallbackEntity, ReplayRunEntity] as const;
