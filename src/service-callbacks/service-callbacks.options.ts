import { ConfigurableModuleBuilder, type ModuleMetadata, type Type } from '@nestjs/common';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { QueueTiming } from './queues/queue-backend.js';
import type { CallbackTypeDefinition } from './callback-types/callback-type.js';
import type { NotificationSource } from './legacy-jobs/notification-source.js';

/** Where the queues live. */
export type QueueOptions =
  | (QueueTiming & {
      readonly backend: 'postgres';
      /**
       * Default: the database of the host's own `DataSource`. To be given where that goes through a pooler such as
       * PgBouncer, or where the queue has a database of its own.
       */
      readonly url?: string;
      /** Connections of the queue's own pool, 3–1000; each running worker keeps one of them to listen. Default 10. */
      readonly poolSize?: number;
      /** Bring BullMQ's schema up to date at start (default true); false: an outdated one is an error. */
      readonly migrate?: boolean;
    })
  | (QueueTiming & {
      readonly backend: 'redis';
      /** `redis://` or `rediss://`, password included. Needed unless `connect` is given. */
      readonly url?: string;
      /** Makes the clients instead: Sentinel, Cluster, TLS of one's own. What it is passed must be kept. */
      readonly connect?: (options: RedisOptions) => Redis | Cluster;
      /** BullMQ's key prefix, default `bull`; on a cluster one with a hash tag, such as `{bull}`. */
      readonly prefix?: string;
    });

export interface DeliveryOptions {
  /** Through `HttpService`, which a host's axios interceptors see (default), or undici alone, which is faster. */
  readonly transport: 'http-service' | 'undici';
  /** Total deadline of an attempt, DNS lookup to last byte, ms (R12). Default 5000. */
  readonly timeoutMs: number;
  /** Callbacks in hand per process: first attempts and, apart from them, later ones. Defaults 2000 and 500. */
  readonly concurrency: number;
  readonly retryConcurrency: number;
  /** Attempts in flight per endpoint and process. */
  readonly endpointConcurrency: number;
  /** Retries after the first attempt. Default 5. */
  readonly maxRetries: number;
  /** Callbacks a job at most, 1–1000. */
  readonly batchSize: number;
  /** Past this age, ms, a deferred or retrying callback is given up. Default 3 days. */
  readonly maxAgeMs: number;
  /** Delay before retry n: min(max, base·2^(n−1)) × random(½…1), ms (R13). */
  readonly retryDelayMs: number;
  readonly retryMaxDelayMs: number;
  /** Retryable failures in a row that open an endpoint's circuit (of timeouts a third, at least six), and for how long, ms. */
  readonly circuitFailures: number;
  readonly circuitOpenMs: number;
  /** After a rotation requests are signed with the secret before as well, for so long, ms. Default 24 h. */
  readonly signingOverlapMs: number;
  /** Send `traceparent` to endpoints: they learn the ids of traces, where a host traces. Default false. */
  readonly traceparent: boolean;
}

/** How requests leave this process. */
export interface EgressOptions {
  /** PEM certificates trusted beside the system's. */
  readonly extraCa?: string;
  /** `http://` or `https://`, credentials included: every connection is asked of this forward proxy. */
  readonly proxyUrl?: string;
  /**
   * Name servers (`ip`, `ip:port`, `[ipv6]:port`) that are asked for host names after `/etc/hosts`, and nobody
   * else. Default: those of `/etc/resolv.conf`, then the system's own lookup for what they do not know.
   */
  readonly dnsServers?: readonly string[];
}

export interface DeadLetterOptions {
  /** How long a dead letter is kept, days. Default 30. */
  readonly retentionDays: number;
  /** How many replays are queued a second at most, over all processes, when many are asked for at once. Default 50. */
  readonly replaysPerSecond: number;
}

export interface RecordOptions {
  /** For how long the same news about the same subject is one callback, hours. Default 24. */
  readonly idempotencyHours: number;
  /** How long the sealed payload of a delivered callback is kept for replay, days; 0: not at all. Default 7. */
  readonly payloadDays: number;
}

export interface EndpointHealthOptions {
  /** An endpoint that has only failed for so long, ms, is disabled; 0: never for that. Default 5 days. */
  readonly disableAfterMs: number;
}

/** Where the platform's operators hear of endpoints that are warned, disabled, enabled, or well again. */
export interface AlertOptions {
  /** Held to the rules of every callback URL. */
  readonly url: string;
  /** Sent as `Authorization: Bearer …`; without one there is no such header. */
  readonly token?: string;
}

export interface DeliveryLogOptions {
  /**
   * Which delivered callbacks are shown: all (default), those that did not get a 2xx at once, or none. The others are
   * deleted after the idempotency window. Figures are kept in any case.
   */
  readonly keep: 'all' | 'failures' | 'off';
  /** How long the record of a finished callback is kept, days. Default 30. */
  readonly retentionDays: number;
}

export interface AddressOptions {
  /** Accept `http://` URLs. Default false. */
  readonly allowHttp: boolean;
  /** CIDRs exempt from the private-address rule. Default none. */
  readonly allowedNetworks: readonly string[];
  /** Ports beside 443 (and 80 where http is allowed). Default none. */
  readonly allowedPorts: readonly number[];
}

/** What a host passes to `ServiceCallbacksModule.forRoot`; `optionsFromEnv` makes it from the environment. */
export interface ServiceCallbacksOptions {
  readonly queue: QueueOptions;
  /** `kid:base64(32 bytes)`; the first encrypts, all decrypt. At least one. */
  readonly encryptionKeys: readonly string[];
  /** Whatever is left out has the default of the environment table. */
  readonly delivery?: Partial<DeliveryOptions>;
  readonly addresses?: Partial<AddressOptions>;
  readonly egress?: EgressOptions;
  readonly deadLetters?: Partial<DeadLetterOptions>;
  readonly deliveryLog?: Partial<DeliveryLogOptions>;
  readonly record?: Partial<RecordOptions>;
  readonly endpointHealth?: Partial<EndpointHealthOptions>;
  /** Default: nobody but the log, the metrics and the host's `EventEmitter2`. */
  readonly alerts?: AlertOptions;
  /** Callback types of the host's own (R5), made with `defineCallbackType`. */
  readonly callbackTypes?: readonly CallbackTypeDefinition<never>[];
}

/** What must be known before the options are: which parts of the module there are. */
export interface ServiceCallbacksExtras {
  /** Export the module's providers to the whole application. Default false. */
  readonly isGlobal?: boolean;
  /** Run the two processors in this process. Default true. */
  readonly processors?: boolean;
  /** Mount the REST controllers; the host's own guards protect them. Default false. */
  readonly controllers?: boolean;
  /** Name of the host's `DataSource`, where it is not the default one. */
  readonly dataSource?: string;
  /** A provider of one of `imports`, through which jobs of an old shape are completed (R10). */
  readonly notificationSource?: Type<NotificationSource>;
  readonly imports?: ModuleMetadata['imports'];
}

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: SERVICE_CALLBACKS_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<ServiceCallbacksOptions>({ moduleName: 'ServiceCallbacks' })
  .setClassMethodName('forRoot')
  .setExtras<ServiceCallbacksExtras>({}, (definition) => definition)
  .build();
