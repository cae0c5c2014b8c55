import { getQueueToken } from '@nestjs/bullmq';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import { MAIN_QUEUE, RETRY_QUEUE } from '../queues/queue-names.js';
import { QueueBackend } from '../queues/queue-backend.js';
import { CallbackApiRepository } from './callback-apis/callback-api.repository.js';
import { CallbackApisController } from './callback-apis/callback-apis.controller.js';
import { CallbackApisService } from './callback-apis/callback-apis.service.js';
import { CallbackTypeRegistry } from './callback-types/callback-type-registry.js';
import { Clock } from './clock.js';
import { DeadLetterKeeper } from './dead-letters/dead-letter-keeper.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { DeadLetterRepository } from './dead-letters/dead-letter.repository.js';
import { GiveUp } from './dead-letters/give-up.js';
import { ReplayRunRepository } from './dead-letters/replay-run.repository.js';
import { Replay } from './dead-letters/replay.js';
import { DeliveryLogController } from './delivery-log/delivery-log.controller.js';
import { logReaders, logReading, logWriting } from './delivery-log/delivery-log.providers.js';
import { AttemptMaker } from './delivery/attempt.js';
import { CallbackLog } from './delivery/callback-log.js';
import { DatabaseTurns } from './delivery/database-turns.js';
import { DeliveryRecorder } from './delivery/delivery-recorder.js';
import { DocumentOpener } from './delivery/document-opener.js';
import { DocumentSealer } from './delivery/document-sealer.js';
import { FirstAttemptProcessor } from './delivery/first-attempt.processor.js';
import { JobReader } from './delivery/job-reader.js';
import { NotificationSource } from './delivery/notification-source.js';
import { Preparation } from './delivery/preparation.js';
import { PutOff } from './delivery/put-off.js';
import { RetryHandOver } from './delivery/retry-hand-over.js';
import { RetryPolicy } from './delivery/retry-policy.js';
import { RetryProcessor } from './delivery/retry.processor.js';
import { DisabledEndpoints } from './endpoint-health/disabled-endpoints.js';
import { EndpointAlerts } from './endpoint-health/endpoint-alerts.js';
import { EndpointChanges } from './endpoint-health/endpoint-changes.js';
import { EndpointHealthController } from './endpoint-health/endpoint-health.controller.js';
import { EndpointHealth } from './endpoint-health/endpoint-health.js';
import { EndpointReview } from './endpoint-health/endpoint-review.js';
import { EndpointStateRepository } from './endpoint-health/endpoint-state.repository.js';
import { EndpointSwitch } from './endpoint-health/endpoint-switch.js';
import { OperatorsEndpoint } from './endpoint-health/operators-endpoint.js';
import { TestCallback } from './endpoint-health/test-callback.js';
import { EndpointGate } from './isolation/endpoint-gate.js';
import { CALLBACK_HTTP_SERVICE, transportProviders } from './delivery/transport/transport.providers.js';
import { Workers } from './delivery/workers.js';
import { CallbackMetrics } from './metrics/callback-metrics.js';
import { StateMetrics } from './metrics/state-metrics.js';
import { ServiceCallbacksProducer } from './producer/service-callbacks-producer.js';
import { ServiceVolume } from './producer/service-volume.js';
import { queueProviders } from './queue.providers.js';
import { AddressRules } from './security/address-rules.js';
import { PayloadCipher } from './security/payload-cipher.js';
import {
  addressOptions,
  deadLetterOptions,
  deliveryLogOptions,
  deliveryOptions,
  endpointHealthOptions,
} from './service-callbacks.defaults.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  OPTIONS_TYPE,
  SERVICE_CALLBACKS_OPTIONS,
  type DeliveryOptions,
  type ServiceCallbacksExtras,
  type ServiceCallbacksOptions,
} from './service-callbacks.options.js';
import {
  CALLBACKS_DATA_SOURCE,
  DEAD_LETTER_OPTIONS,
  DELIVERY_LOG_OPTIONS,
  DELIVERY_OPTIONS,
  ENDPOINT_HEALTH_OPTIONS,
} from './tokens.js';

/** Derived from the options once; every provider below takes only the part it needs. */
const optionProviders: Provider[] = [
  { provide: DELIVERY_OPTIONS, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory: deliveryOptions },
  { provide: DELIVERY_LOG_OPTIONS, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory: deliveryLogOptions },
  { provide: DEAD_LETTER_OPTIONS, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory: deadLetterOptions },
  {
    provide: ENDPOINT_HEALTH_OPTIONS,
    inject: [SERVICE_CALLBACKS_OPTIONS],
    useFactory: endpointHealthOptions,
  },
  {
    provide: PayloadCipher,
    inject: [SERVICE_CALLBACKS_OPTIONS],
    useFactory: ({ encryptionKeys }: ServiceCallbacksOptions) => new PayloadCipher(encryptionKeys),
  },
  {
    provide: CallbackTypeRegistry,
    inject: [SERVICE_CALLBACKS_OPTIONS],
    useFactory: ({ callbackTypes }: ServiceCallbacksOptions) => new CallbackTypeRegistry(callbackTypes),
  },
  {
    provide: AddressRules,
    inject: [SERVICE_CALLBACKS_OPTIONS],
    useFactory: (options: ServiceCallbacksOptions) => new AddressRules(addressOptions(options)),
  },
  {
    provide: RetryPolicy,
    inject: [DELIVERY_OPTIONS],
    useFactory: ({ maxRetries, retryDelayMs, retryMaxDelayMs }: DeliveryOptions) =>
      new RetryPolicy({ maxRetries, baseDelayMs: retryDelayMs, maxDelayMs: retryMaxDelayMs }),
  },
];

const commonProviders: Provider[] = [
  ...optionProviders,
  ...queueProviders,
  Clock,
  CallbackApiRepository,
  CallbackApisService,
  DocumentOpener,
  DocumentSealer,
  CallbackLog,
  DeadLetterRepository,
  ReplayRunRepository,
  Replay,
  ServiceVolume,
  ServiceCallbacksProducer,
  CallbackMetrics,
  StateMetrics,
  ...logReading,
  ...transportProviders,
  EndpointStateRepository,
  EndpointAlerts,
  EndpointChanges,
  EndpointSwitch,
  EndpointHealth,
  OperatorsEndpoint,
  TestCallback,
];

const processorProviders: Provider[] = [
  DisabledEndpoints,
  EndpointReview,
  ...logWriting,
  DeliveryRecorder,
  DeadLetterKeeper,
  DatabaseTurns,
  GiveUp,
  JobReader,
  Preparation,
  EndpointGate,
  AttemptMaker,
  RetryHandOver,
  PutOff,
  FirstAttemptProcessor,
  RetryProcessor,
  Workers,
];

/** What the console stands on, beside the public ones. */
const consoleProviders = [
  Clock,
  PayloadCipher,
  CallbackApiRepository,
  DeadLetterRepository,
  ReplayRunRepository,
  Replay,
];

const publicProviders = [
  ServiceCallbacksProducer,
  CallbackApisService,
  EndpointSwitch,
  EndpointHealth,
  TestCallback,
  CallbackMetrics,
  QueueBackend,
  ...logReaders,
];

/**
 * Service callbacks for a host application: the producer, and unless told otherwise the processors.
 * Needs a PostgreSQL `DataSource` that lists `serviceCallbackEntities` and `serviceCallbackMigrations`.
 */
@Module({})
export class ServiceCallbacksModule extends ConfigurableModuleClass {
  static forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return compose(super.forRoot(options), options);
  }

  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return compose(super.forRootAsync(options), options);
  }
}

function compose(base: DynamicModule, extras: ServiceCallbacksExtras): DynamicModule {
  const { processors = true, controllers = false, isGlobal = false, notificationSource, dataSource } = extras;
  return {
    ...base,
    global: isGlobal,
    imports: [...(base.imports ?? []), ...(extras.imports ?? [])],
    controllers: controllers
      ? [CallbackApisController, EndpointHealthController, DeadLettersController, DeliveryLogController]
      : [],
    providers: [
      ...(base.providers ?? []),
      { provide: CALLBACKS_DATA_SOURCE, useExisting: getDataSourceToken(dataSource) },
      ...commonProviders,
      ...(processors ? processorProviders : []),
      ...(notificationSource ? [{ provide: NotificationSource, useExisting: notificationSource }] : []),
    ],
    exports: [
      ...publicProviders,
      ...consoleProviders,
      DELIVERY_LOG_OPTIONS,
      DELIVERY_OPTIONS,
      ENDPOINT_HEALTH_OPTIONS,
      CALLBACK_HTTP_SERVICE,
      ...(processors ? [Workers] : []),
      getQueueToken(MAIN_QUEUE),
      getQueueToken(RETRY_QUEUE),
    ],
  };
}
