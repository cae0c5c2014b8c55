import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { CallbackTypeRegistry } from '../service-callbacks/callback-types/callback-type-registry.js';
import { CallbackRepository } from '../service-callbacks/callbacks/callback.repository.js';
import { Clock } from '../service-callbacks/clock.js';
import { RetryPolicy } from '../service-callbacks/delivery/retry-policy.js';
import { CallbackApiRepository } from '../service-callbacks/endpoints/callback-api.repository.js';
import { CallbackApisService } from '../service-callbacks/endpoints/callback-apis.service.js';
import { EndpointStateRepository } from '../service-callbacks/endpoints/endpoint-state.repository.js';
import { CallbackHandlers } from '../service-callbacks/events/callback-handlers.js';
import { Holds } from '../service-callbacks/holds/holds.js';
import { SameDatabase } from '../service-callbacks/producer/same-database.js';
import { ServiceCallbacksProducer } from '../service-callbacks/producer/service-callbacks-producer.js';
import { ServiceVolume } from '../service-callbacks/producer/service-volume.js';
import { WaitingCallbacks } from '../service-callbacks/recorder/waiting-callbacks.js';
import { CallbackLogger } from '../service-callbacks/recorder/callback-logger.js';
import { Relay } from '../service-callbacks/relay/relay.js';
import { PayloadCipher } from '../service-callbacks/security/payload-cipher.js';
import { optionProviders } from '../service-callbacks/service-callbacks.module.js';
import {
  GIVEN_OPTIONS,
  type RecordOptions,
  type ServiceCallbacksOptions,
} from '../service-callbacks/service-callbacks.options.js';
import { RECORD_OPTIONS } from '../service-callbacks/tokens.js';
import { CallbackClient } from '../service-callbacks/transport/callback-client.js';
import { CALLBACK_TRANSPORT } from '../service-callbacks/transport/callback-transport.js';
import { HeldClock } from './held-clock.js';
import { InMemoryCallbacks } from './in-memory-callbacks.js';
import { InMemoryEndpoints } from './in-memory-endpoints.js';
import { InMemoryTransport } from './in-memory-transport.js';
import { SentCallbacks } from './sent-callbacks.js';

/** The module's options that an application can notice without a database, Redis or HTTP. */
export interface ServiceCallbacksTestingOptions extends Pick<
  ServiceCallbacksOptions,
  'callbackTypes' | 'delivery' | 'record' | 'addresses'
> {
  /**
   * `any` (default): every service has an endpoint of every type. `registered`: only those registered through
   * `CallbackApisService`.
   */
  readonly endpoints?: 'any' | 'registered';
}

const HOUR_MS = 3_600_000;

/** Requests under it never leave the process. */
const TEST_KEY = `test:${Buffer.alloc(32, 1).toString('base64')}`;

/** In-memory replacements for the database, the queue and HTTP. */
const inMemory: Provider[] = [
  { provide: Clock, useExisting: HeldClock },
  { provide: CallbackRepository, useExisting: InMemoryCallbacks },
  { provide: CallbackApiRepository, useExisting: InMemoryEndpoints },
  { provide: CALLBACK_TRANSPORT, useExisting: InMemoryTransport },
  {
    provide: SameDatabase,
    useValue: { assert: async () => undefined } satisfies Pick<SameDatabase, 'assert'>,
  },
  { provide: Relay, useValue: { nudge: () => undefined } satisfies Pick<Relay, 'nudge'> },
  { provide: Holds, useValue: { lift: async () => undefined } satisfies Pick<Holds, 'lift'> },
  {
    provide: EndpointStateRepository,
    useValue: { forgetFailures: async () => undefined } satisfies Pick<
      EndpointStateRepository,
      'forgetFailures'
    >,
  },
  // A deleted endpoint's callbacks are cancelled when they are due.
  {
    provide: WaitingCallbacks,
    useValue: { giveUp: async () => 0 } satisfies Pick<WaitingCallbacks, 'giveUp'>,
  },
];

/**
 * Replaces `ServiceCallbacksModule` in a test: the same producer, callback types, payload rules, requests, outcomes and
 * retries, without a database, Redis or HTTP. It is global, so that a module under test finds the producer.
 */
@Module({})
export class ServiceCallbacksTestingModule {
  static forRoot({ endpoints = 'any', ...options }: ServiceCallbacksTestingOptions = {}): DynamicModule {
    const all: ServiceCallbacksOptions = {
      queue: { backend: 'postgres' },
      encryptionKeys: [TEST_KEY],
      ...options,
    };
    return {
      module: ServiceCallbacksTestingModule,
      global: true,
      providers: [
        { provide: GIVEN_OPTIONS, useValue: all },
        ...optionProviders,
        HeldClock,
        InMemoryTransport,
        {
          provide: InMemoryCallbacks,
          inject: [RECORD_OPTIONS],
          useFactory: ({ idempotencyHours }: RecordOptions) =>
            new InMemoryCallbacks(idempotencyHours * HOUR_MS),
        },
        {
          provide: InMemoryEndpoints,
          inject: [HeldClock],
          useFactory: (clock: HeldClock) => new InMemoryEndpoints(clock, endpoints === 'any'),
        },
        ...inMemory,
        CallbackClient,
        CallbackLogger,
        CallbackHandlers,
        ServiceVolume,
        ServiceCallbacksProducer,
        CallbackApisService,
        {
          provide: SentCallbacks,
          inject: [
            InMemoryCallbacks,
            InMemoryEndpoints,
            InMemoryTransport,
            CallbackTypeRegistry,
            CallbackClient,
            RetryPolicy,
            PayloadCipher,
            HeldClock,
            CallbackHandlers,
          ],
          useFactory: (...parts: ConstructorParameters<typeof SentCallbacks>) => new SentCallbacks(...parts),
        },
      ],
      exports: [ServiceCallbacksProducer, CallbackApisService, SentCallbacks, HeldClock],
    };
  }
}
