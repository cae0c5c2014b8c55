export { ServiceCallbacksModule } from './service-callbacks/service-callbacks.module.js';
export type {
  AddressOptions,
  DeliveryOptions,
  QueueOptions,
  ServiceCallbacksExtras,
  ServiceCallbacksOptions,
} from './service-callbacks/service-callbacks.options.js';
export { optionsFromEnv } from './service-callbacks/options-from-env.js';
export { serviceCallbackEntities } from './service-callbacks/entities.js';
export { serviceCallbackMigrations } from './database/migrations/migrations.js';
export {
  ServiceCallbacksProducer,
  type NotQueuedReason,
  type SendOptions,
  type SendResult,
} from './service-callbacks/producer/service-callbacks-producer.js';
export { CallbackApisService } from './service-callbacks/callback-apis/callback-apis.service.js';
export { NotificationSource } from './service-callbacks/delivery/notification-source.js';
export {
  defineCallbackType,
  type CallbackTypeDefinition,
} from './service-callbacks/callback-types/callback-type.js';
export type { DeliveryStatusInput } from './service-callbacks/callback-types/delivery-status.js';
export type { ComplaintInput } from './service-callbacks/callback-types/complaint.js';
export type { InboundSmsInput } from './service-callbacks/callback-types/inbound-sms.js';
export type { ReturnedLetterInput } from './service-callbacks/callback-types/returned-letter.js';
