export { ServiceCallbacksModule } from './service-callbacks/service-callbacks.module.js';
export type {
  AddressOptions,
  AlertOptions,
  DeadLetterOptions,
  DeliveryLogOptions,
  DeliveryOptions,
  EndpointHealthOptions,
  QueueOptions,
  ServiceCallbacksExtras,
  ServiceCallbacksOptions,
} from './service-callbacks/service-callbacks.options.js';
export { optionsFromEnv } from './service-callbacks/options-from-env.js';
export { serviceCallbackEntities } from './service-callbacks/entities.js';
export { serviceCallbackMigrations } from './database/migrations/migrations.js';
export { migrateServiceCallbacks, type MigrateOptions } from './service-callbacks/setup/migrate.js';
export {
  keysInUse,
  rotateKeys,
  type KeysInUse,
  type RotatedKeys,
  type RotateKeysOptions,
} from './service-callbacks/key-rotation/rotate-keys.js';
export { SetupError } from './service-callbacks/setup/errors.js';
export {
  ServiceCallbacksProducer,
  type NotQueuedReason,
  type SendOptions,
  type SendResult,
} from './service-callbacks/producer/service-callbacks-producer.js';
export { CallbackApisService } from './service-callbacks/endpoints/callback-apis.service.js';
export { CallbackApiExistsError } from './service-callbacks/endpoints/callback-api-exists.error.js';
export { CallbackApiNotFoundError } from './service-callbacks/endpoints/callback-api-not-found.error.js';
export { InvalidCallbackApiError } from './service-callbacks/endpoints/invalid-callback-api.error.js';
export { EndpointSwitch, type Enabled } from './service-callbacks/endpoint-health/endpoint-switch.js';
export {
  EndpointHealth,
  type EndpointHealthReport,
  type EndpointStatus,
} from './service-callbacks/endpoint-health/endpoint-health.js';
export { TestCallback } from './service-callbacks/endpoint-health/test-callback.js';
export type {
  ConnectionFacts,
  TestResult,
  TlsFacts,
} from './service-callbacks/endpoint-health/test-result.js';
export { TooManyTestsError } from './service-callbacks/endpoint-health/too-many-tests.error.js';
export { OnCallback } from './service-callbacks/events/on-callback.decorator.js';
export type { CallbackEventName, CallbackEvents } from './service-callbacks/events/callback-events.js';
export { InvalidAlertUrlError } from './service-callbacks/endpoint-health/invalid-alert-url.error.js';
export type { CallbackApi, NewCallbackApi } from './service-callbacks/endpoints/callback-api.repository.js';
export { ForeignDatabaseError } from './service-callbacks/producer/foreign-database.error.js';
export { UnknownCallbackTypeError } from './service-callbacks/callback-types/errors.js';
export { InvalidEnvironmentError, InvalidOptionsError } from './config/errors.js';
export { CallbackMetrics } from './service-callbacks/metrics/callback-metrics.js';
export { CallbackLogReader } from './service-callbacks/callbacks/callback-log.reader.js';
export { EndpointReader } from './service-callbacks/reporting/endpoint.reader.js';
export { OverviewReader } from './service-callbacks/reporting/overview.reader.js';
export type * from './service-callbacks/callbacks/records.js';
export { CALLBACK_HTTP_SERVICE } from './service-callbacks/transport/transport.providers.js';
export { NotificationSource } from './service-callbacks/legacy-jobs/notification-source.js';
export {
  defineCallbackType,
  type CallbackTypeDefinition,
} from './service-callbacks/callback-types/callback-type.js';
export type { DeliveryStatusInput } from './service-callbacks/callback-types/delivery-status.js';
export type { ComplaintInput } from './service-callbacks/callback-types/complaint.js';
export type { InboundSmsInput } from './service-callbacks/callback-types/inbound-sms.js';
export type { ReturnedLetterInput } from './service-callbacks/callback-types/returned-letter.js';
export type { OngoingFailure } from './service-callbacks/endpoints/endpoint-state.repository.js';
