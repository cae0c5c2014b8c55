import { getQueueToken } from '@nestjs/bullmq';
import { Module, type DynamicModule, type InjectionToken, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { CallbackApiRepository } from './endpoints/callback-api.repository.js';
import { CallbackApisController } from './rest/callback-apis.controller.js';
import { CallbackApisService } from './endpoints/callback-apis.service.js';
import { CallbackTypeRegistry } from './callback-types/callback-type-registry.js';
import type { CallbackTypeDefinition } from './callback-types/callback-type.js';
import { CallbackListRepository } from './history/callback-list.repository.js';
import { CallbackLogReader } from './history/callback-log.reader.js';
import { CallbackRepository } from './callbacks/callback.repository.js';
import { CallbacksController } from './rest/callbacks.controller.js';
import { DeadLetterRepository } from './history/dead-letter.repository.js';
import { DeadLettersController } from './rest/dead-letters.controller.js';
import { Maintenance } from './operations/maintenance.js';
import { Replay } from './replay/replay.js';
import { ReplayRunRepository } from './replay/replay-run.repository.js';
import { Clock } from './clock.js';
import { BatchOpener } from './delivery/batch-opener.js';
import { DeliveryProcessor } from './delivery/delivery-processor.js';
import { GoneEndpoints } from './delivery/gone-endpoints.js';
import { RetryPolicy } from './delivery/retry-policy.js';
import { Settler } from './delivery/settler.js';
import { CALLBACK_HTTP_SERVICE, transportProviders } from './transport/transport.providers.js';
import { Workers } from './delivery/workers.js';
import { EndpointAlerts } from './endpoint-health/endpoint-alerts.js';
import { EndpointChanges } from './endpoint-health/endpoint-changes.js';
import { EndpointHealth } from './endpoint-health/endpoint-health.js';
import { EndpointHealthController } from './rest/endpoint-health.controller.js';
import { EndpointReview } from './endpoint-health/endpoint-review.js';
import { CallbackHandlers } from './events/callback-handlers.js';
import { EndpointStateRepository } from './endpoints/endpoint-state.repository.js';
import { EndpointSwitch } from './endpoint-health/endpoint-switch.js';
import { OperatorsEndpoint } from './endpoint-health/operators-endpoint.js';
import { TestCallback } from './test-callback/test-callback.js';
import { EndpointReader } from './reporting/endpoint.reader.js';
import { ProcessHeartbeat } from './reporting/process-heartbeat.js';
import { OverviewReader } from './reporting/overview.reader.js';
import { reporting } from './reporting/reporting.providers.js';
import { SearchReader } from './reporting/search.reader.js';
import { HoldRepository } from './holds/hold.repository.js';
import { Holds } from './holds/holds.js';
import { EndpointGate } from './isolation/endpoint-gate.js';
import { INTERNALS, internals } from './internals.js';
import { LegacyJobs } from './legacy-jobs/legacy-jobs.js';
import { NotificationSource } from './legacy-jobs/notification-source.js';
import { CallbackMetrics } from './metrics/callback-metrics.js';
import { ServiceCallbacksHealth } from './operations/service-callbacks-health.js';
import { StateMetrics } from './operations/state-metrics.js';
import { SameDatabase } from './producer/same-database.js';
import { ServiceCallbacksProducer } from './producer/service-callbacks-producer.js';
import { ServiceVolume } from './producer/service-volume.js';
import { queueProviders } from './queue.providers.js';
import { Batches } from './queues/batches.js';
import { MAIN_QUEUE, RETRY_QUEUE } from './queues/queue-names.js';
import { WaitingCallbacks } from './recorder/waiting-callbacks.js';
import { CallbackLogger } from './recorder/callback-logger.js';
import { checkedDataSource } from './setup/checked-data-source.js';
import { CallbackRecorder } from './recorder/callback-recorder.js';
import { Relay } from './relay/relay.js';
import { SafetySweep } from './relay/safety-sweep.js';
import { AddressRules } from './addresses/address-rules.js';
import { PayloadCipher } from './security/payload-cipher.js';
import { callbackTypesFeature, featureTypes } from './callback-types-feature.js';
import {
  assertCallbackTypes,
  asyncExtras,
  completeOptions,
  rootExtras,
  type CompleteExtras,
} from './complete-options.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  GIVEN_OPTIONS,
  OPTIONS_TYPE,
  SERVICE_CALLBACKS_OPTIONS,
  type CompleteOptions,
} from './service-callbacks.options.js';
import {
  DEAD_LETTER_OPTIONS,
  DELIVERY_LOG_OPTIONS,
  DELIVERY_OPTIONS,
  ENDPOINT_HEALTH_OPTIONS,
  RECORD_OPTIONS,
} from './tokens.js';

/** Each provider gets only the part of the options that it needs. */
export const optionProviders: Provider[] = [
  { provide: SERVICE_CALLBACKS_OPTIONS, inject: [GIVEN_OPTIONS], useFactory: completeOptions },
  part(DELIVERY_OPTIONS, ({ delivery }) => delivery),
  part(DELIVERY_LOG_OPTIONS, ({ deliveryLog }) => deliveryLog),
  part(DEAD_LETTER_OPTIONS, ({ deadLetters }) => deadLetters),
  part(RECORD_OPTIONS, ({ record }) => record),
  part(ENDPOINT_HEALTH_OPTIONS, ({ endpointHealth }) => endpointHealth),
  part(PayloadCipher, ({ encryptionKeys }) => new PayloadCipher(encryptionKeys)),
  part(AddressRules, ({ addresses }) => new AddressRules(addresses)),
  part(
    RetryPolicy,
    ({ delivery: { maxRetries, retryDelayMs, retryMaxDelayMs } }) =>
      new RetryPolicy({ maxRetries, baseDelayMs: retryDelayMs, maxDelayMs: retryMaxDelayMs }),
  ),
  {
    provide: CallbackTypeRegistry,
    inject: [SERVICE_CALLBACKS_OPTIONS, ModulesContainer],
    useFactory: ({ callbackTypes }: CompleteOptions, modules: ModulesContainer) =>
      new CallbackTypeRegistry([{ from: 'forRoot', types: callbackTypes }, ...featureTypes(modules)]),
  },
];

function part(provide: InjectionToken, useFactory: (options: CompleteOptions) => unknown): Provider {
  return { provide, inject: [SERVICE_CALLBACKS_OPTIONS], useFactory };
}

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
  Maintenance,
  CallbackLogger,
  CallbackHandlers,
  CallbackRecorder,
  WaitingCallbacks,
  CallbackMetrics,
  ServiceCallbacksHealth,
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
  ProcessHeartbeat,
  LegacyJobs,
  EndpointGate,
  GoneEndpoints,
  Settler,
  BatchOpener,
  DeliveryProcessor,
  Workers,
];

const publicProviders = [
  ServiceCallbacksProducer,
  CallbackApisService,
  EndpointSwitch,
  EndpointHealth,
  TestCallback,
  CallbackMetrics,
  ServiceCallbacksHealth,
  CallbackLogReader,
  EndpointReader,
  OverviewReader,
  SearchReader,
  CALLBACK_HTTP_SERVICE,
  getQueueToken(MAIN_QUEUE),
  getQueueToken(RETRY_QUEUE),
];

/**
 * Service callbacks for a host application: the producer, and by default the processors. It needs a PostgreSQL
 * `DataSource` with `serviceCallbackEntities` and `serviceCallbackMigrations`.
 */
@Module({})
export class ServiceCallbacksModule extends ConfigurableModuleClass {
  /** @throws InvalidOptionsError naming every bad or unknown option, with what is accepted */
  static forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    const extras = rootExtras(options);
    return compose(super.forRoot(options), extras);
  }

  /** The options of the factory are checked like those of `forRoot`, when the application is created. */
  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return compose(super.forRootAsync(options), asyncExtras(options));
  }

  /**
   * Adds the callback types of a feature module, wherever `forRoot` is imported. A process that delivers them needs
   * them too.
   * @param types made with `defineCallbackType`
   * @throws InvalidOptionsError if one is no callback type
   * @throws InvalidCallbackTypeError, DuplicateCallbackTypeError when the application is created
   */
  static forFeature(types: readonly CallbackTypeDefinition<never>[]): DynamicModule {
    assertCallbackTypes(types);
    return callbackTypesFeature(types);
  }
}

function compose(base: DynamicModule, extras: CompleteExtras): DynamicModule {
  const { processors, controllers, isGlobal, notificationSource, dataSource } = extras;
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
      internals,
      ...(processors ? processorProviders : []),
      ...(notificationSource ? [{ provide: NotificationSource, useExisting: notificationSource }] : []),
    ],
    exports: [...publicProviders, INTERNALS],
  };
}
