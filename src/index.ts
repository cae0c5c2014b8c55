/** The entry point `service-callbacks`: what a host needs to send callbacks. */
export { ServiceCallbacksModule } from './service-callbacks/service-callbacks.module.js';
export type {
  ServiceCallbacksExtras,
  ServiceCallbacksOptions,
} from './service-callbacks/service-callbacks.options.js';
export { optionsFromEnv } from './service-callbacks/options-from-env.js';
export { serviceCallbackEntities } from './service-callbacks/entities.js';
export { serviceCallbackMigrations } from './database/migrations/migrations.js';
export { migrateServiceCallbacks } from './service-callbacks/setup/migrate.js';
export { keysInUse, rotateKeys } from './service-callbacks/key-rotation/rotate-keys.js';
export {
  ServiceCallbacksProducer,
  type SendOptions,
  type SendResult,
} from './service-callbacks/producer/service-callbacks-producer.js';
export {
  defineCallbackType,
  type CallbackTypeDefinition,
} from './service-callbacks/callback-types/callback-type.js';
export { CallbackApisService } from './service-callbacks/endpoints/callback-apis.service.js';
export type { CallbackApi, NewCallbackApi } from './service-callbacks/endpoints/callback-api.repository.js';
export { EndpointSwitch } from './service-callbacks/endpoint-health/endpoint-switch.js';
export { TestCallback, TooManyTestsError } from './service-callbacks/test-callback/test-callback.js';
export { OnCallback } from './service-callbacks/events/on-callback.decorator.js';
export type { CallbackEventName, CallbackEvents } from './service-callbacks/events/callback-events.js';
export { CALLBACK_QUEUES } from './service-callbacks/queues/queue-names.js';
export { CallbackMetrics } from './service-callbacks/metrics/callback-metrics.js';
export { ServiceCallbacksHealth } from './service-callbacks/operations/service-callbacks-health.js';
export { CALLBACK_HTTP_SERVICE } from './service-callbacks/transport/transport.providers.js';
export { NotificationSource } from './service-callbacks/legacy-jobs/notification-source.js';
export { SetupError } from './service-callbacks/setup-error.js';
export { InvalidEnvironmentError, InvalidOptionsError } from './config/errors.js';
export { CallbackApiExistsError } from './service-callbacks/endpoints/errors.js';
export { CallbackApiNotFoundError } from './service-callbacks/endpoints/errors.js';
export { InvalidCallbackApiError } from './service-callbacks/endpoints/errors.js';
export { ForeignDatabaseError } from './service-callbacks/producer/same-database.js';
export { UnknownCallbackTypeError } from './service-callbacks/callback-types/errors.js';
