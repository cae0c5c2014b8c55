import type {
  AddressOptions,
  DeadLetterOptions,
  DeliveryLogOptions,
  DeliveryOptions,
  EndpointHealthOptions,
  RecordOptions,
  ServiceCallbacksOptions,
} from './service-callbacks.options.js';

/** The environment table's defaults, for hosts that pass options in code. */
const DEFAULT_DELIVERY: DeliveryOptions = {
  transport: 'http-service',
  timeoutMs: 5_000,
  concurrency: 2_000,
  retryConcurrency: 500,
  endpointConcurrency: 500,
  batchSize: 32,
  maxRetries: 5,
  maxAgeMs: 259_200_000,
  retryDelayMs: 300_000,
  retryMaxDelayMs: 43_200_000,
  circuitFailures: 20,
  circuitOpenMs: 30_000,
  signingOverlapMs: 86_400_000,
  traceparent: false,
};

const DEFAULT_ADDRESSES: AddressOptions = { allowHttp: false, allowedNetworks: [], allowedPorts: [] };

export function deliveryOptions({ delivery }: ServiceCallbacksOptions): DeliveryOptions {
  return { ...DEFAULT_DELIVERY, ...delivery };
}

const DEFAULT_DEAD_LETTERS: DeadLetterOptions = { retentionDays: 30, replaysPerSecond: 50 };

export function deadLetterOptions({ deadLetters }: ServiceCallbacksOptions): DeadLetterOptions {
  return { ...DEFAULT_DEAD_LETTERS, ...deadLetters };
}

export function endpointHealthOptions({ endpointHealth }: ServiceCallbacksOptions): EndpointHealthOptions {
  return { disableAfterMs: 432_000_000, ...endpointHealth };
}

export function deliveryLogOptions({ deliveryLog }: ServiceCallbacksOptions): DeliveryLogOptions {
  return { keep: 'all', retentionDays: 30, ...deliveryLog };
}

export function recordOptions({ record }: ServiceCallbacksOptions): RecordOptions {
  return { idempotencyHours: 24, payloadDays: 7, ...record };
}

export function addressOptions({ addresses }: ServiceCallbacksOptions): AddressOptions {
  return { ...DEFAULT_ADDRESSES, ...addresses };
}
