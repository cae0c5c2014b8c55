import { getQueueToken } from '@nestjs/bullmq';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { retryScheduleMs } from '../config/retry-schedule.js';
import { CallbackApiRepository } from './endpoints/callback-api.repository.js';
import { CallbackApisController } from './endpoints/callback-apis.controller.js';
import { CallbackApisService } from './endpoints/callback-apis.service.js';
import { CallbackTypeRegistry } from './callback-types/callback-type-registry.js';
import { CallbackListRepository } from './callbacks/callback-list.repository.js';
import { CallbackLogReader } from './callbacks/callback-log.reader.js';
import { CallbackRepository } from './callbacks/callback.repository.js';
import { CallbacksController } from './callbacks/callbacks.controller.js';
import { DeadLetterRepository } from './callbacks/dead-letter.repository.js';
import { DeadLettersController } from './callbacks/dead-letters.controller.js';
import { Maintenance } from './callbacks/maintenance.js';
import { OldestDue } from './callbacks/oldest-due.js';
import { Replay } from './callbacks/replay.js';
import { ReplayRunRepository } from './callbacks/replay-run.repository.js';
import { Clock } from './clock.js';
import { DeliveryProcessor } from './delivery/delivery-processor.js';
import { GoneEndpoints } from './delivery/gone-endpoints.js';
import { RetryPolicy } from './delivery/retry-policy.js';
import { Settler } from './delivery/settler.js';
import { CALLBACK_HTTP_SERVICE, transportProviders } from './transport/transport.providers.js';
import { Workers } from './delivery/workers.js';
import { EndpointAlerts } from './endpoint-health/endpoint-alerts.js';
import { EndpointChanges } from './endpoint-health/endpoint-changes.js';
import { EndpointHealth } from './endpoint-health/endpoint-health.js';
import { EndpointHealthController } from './endpoint-health/endpoint-health.controller.js';
import { EndpointReview } from './endpoint-health/endpoint-review.js';
import { EndpointStateRepository } from './endpoints/endpoint-state.repository.js';
import { EndpointSwitch } from './endpoint-health/endpoint-switch.js';
import { OperatorsEndpoint } from './endpoint-health/operators-endpoint.js';
import { TestCallback } from './endpoint-health/test-callback.js';
import { reportingReaders, reporting, reportingOfWorkers } from './reporting/reporting.providers.js';
import { HoldRepository } from './holds/hold.repository.js';
import { Holds } from './holds/holds.js';
import { EndpointGate } from './isolation/endpoint-gate.js';
import { LegacyJobs } from './legacy-jobs/legacy-jobs.js';
import { NotificationSource } from './legacy-jobs/notification-source.js';
import { CallbackMetrics } from './metrics/callback-metrics.js';
import { Readiness } from './operations/readiness.js';
import { StateMetrics } from './operations/state-metrics.js';
import { SameDatabase } from './producer/same-database.js';
import { ServiceCallbacksProducer } from './producer/service-callbacks-producer.js';
import { ServiceVolume } from './producer/service-volume.js';
import { queueProviders } from './queue.providers.js';
import { Batches } from './queues/batches.js';
import { QueueBackend } from './queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from './queues/queue-names.js';
import { CallbackEnder } from './recorder/callback-ender.js';
import { CallbackLog } from './recorder/callback-log.js';
import { checkedDataSource } from './setup/checked-data-source.js';
import { CallbackRecorder } from './recorder/callback-recorder.js';
import { Relay } from './relay/relay.js';
import { SafetySweep } from './relay/safety-sweep.js';
import { AddressRules } from './security/address-rules.js';
import { PayloadCipher } from './security/payload-cipher.js';
import {
  addressOptions,
  deadLetterOptions,
  deliveryLogOptions,
  deliveryOptions,
  endpointHealthOptions,
  recordOptions,
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
  DEAD_LETTER_OPTIONS,
  DELIVERY_LOG_OPTIONS,
  DELIVERY_OPTIONS,
  ENDPOINT_HEALTH_OPTIONS,
  RECORD_OPTIONS,
} from './tokens.js';

/** Derived from the options once; every provider below takes only the part it needs. */
const optionProviders: Provider[] = [
  { provide: DELIVERY_OPTIONS, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory: deliveryOptions },
  { provide: DELIVERY_LOG_OPTIONS, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory: deliveryLogOptions },
  { provide: DEAD_LETTER_OPTIONS, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory: deadLetterOptions },
  { provide: RECORD_OPTIONS, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory: recordOptions },
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
    useFactory: ({ maxRetries, retryDelayMs, retryMaxDelayMs, maxAgeMs }: DeliveryOptions) => {
      const options = { maxRetries, baseDelayMs: retryDelayMs, maxDelayMs: retryMaxDelayMs };
      const scheduleMs = retryScheduleMs(options);
      if (scheduleMs > maxAgeMs)
        throw new RangeError(`maxAgeMs is ${maxAgeMs}; the retries take ${scheduleMs} ms together`);
      return new RetryPolicy(options);
    },
  },
];

const commonProviders: Provider[] = [
  ...optionProviders,
  ...queueProviders,
  Clock,
  CallbackApiRepository,
  CallbackApisService,
  CallbackRepository,
  CallbackListRepository,
  HoldRepository,
  Holds,
  DeadLetterRepository,
  ReplayRunRepository,
  Replay,
  OldestDue,
  Maintenance,
  CallbackLog,
  CallbackRecorder,
  CallbackEnder,
  CallbackMetrics,
  Readiness,
  StateMetrics,
  ...reporting,
  Batches,
  Relay,
  SafetySweep,
  SameDatabase,
  ServiceVolume,
  ServiceCallbacksProducer,
  ...transportProviders,
  EndpointStateRepository,
  EndpointAlerts,
  EndpointChanges,
  EndpointSwitch,
  EndpointHealth,
  OperatorsEndpoint,
  TestCallback,
  CallbackLogReader,
];

const processorProviders: Provider[] = [
  EndpointReview,
  ...reportingOfWorkers,
  LegacyJobs,
  EndpointGate,
  GoneEndpoints,
  Settler,
  DeliveryProcessor,
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
  Readiness,
  QueueBackend,
  CallbackLogReader,
  ...reportingReaders,
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
      ? [CallbackApisController, EndpointHealthController, DeadLettersController, CallbacksController]
      : [],
    providers: [
      ...(base.providers ?? []),
      checkedDataSource(dataSource),
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
