import { loadModuleEnv, type Env } from '../config/env.js';
import { developmentKeys } from '../config/development-keys.js';
import { readExtraCa } from './security/extra-ca.js';
import type { QueueOptions, ServiceCallbacksOptions } from './service-callbacks.options.js';

/**
 * The module's options from the environment table, for hosts that configure by environment.
 * @throws InvalidEnvironmentError naming every bad variable.
 * @throws InvalidCaFileError naming the file of extra certificates, where it is none.
 */
export function optionsFromEnv(
  source: Readonly<Record<string, string | undefined>>,
): ServiceCallbacksOptions {
  return optionsOf(loadModuleEnv(source));
}

/** From an environment that has been read already. */
export function optionsOf(env: Env): ServiceCallbacksOptions {
  return {
    queue: queueOptions(env),
    // Empty outside production alone, where it may not be.
    encryptionKeys:
      env.CALLBACK_ENCRYPTION_KEYS.length > 0 ? env.CALLBACK_ENCRYPTION_KEYS : developmentKeys(env.DATA_DIR),
    delivery: {
      transport: env.CALLBACK_TRANSPORT,
      timeoutMs: env.CALLBACK_TIMEOUT_MS,
      concurrency: env.CALLBACK_CONCURRENCY,
      retryConcurrency: env.CALLBACK_RETRY_CONCURRENCY,
      endpointConcurrency: env.CALLBACK_ENDPOINT_CONCURRENCY,
      maxRetries: env.CALLBACK_MAX_RETRIES,
      batchSize: env.CALLBACK_BATCH_SIZE,
      maxAgeMs: env.CALLBACK_MAX_AGE_MS,
      retryDelayMs: env.CALLBACK_RETRY_DELAY_MS,
      retryMaxDelayMs: env.CALLBACK_RETRY_MAX_DELAY_MS,
      circuitFailures: env.CALLBACK_CIRCUIT_FAILURES,
      circuitOpenMs: env.CALLBACK_CIRCUIT_OPEN_MS,
      signingOverlapMs: env.CALLBACK_SIGNING_OVERLAP_MS,
      traceparent: env.CALLBACK_TRACEPARENT,
    },
    egress: {
      ...(env.CALLBACK_EXTRA_CA_FILE !== undefined && { extraCa: readExtraCa(env.CALLBACK_EXTRA_CA_FILE) }),
      ...(env.CALLBACK_PROXY_URL !== undefined && { proxyUrl: env.CALLBACK_PROXY_URL }),
      ...(env.CALLBACK_DNS_SERVERS.length > 0 && { dnsServers: env.CALLBACK_DNS_SERVERS }),
    },
    deadLetters: {
      retentionDays: env.CALLBACK_DEAD_LETTER_DAYS,
      replaysPerSecond: env.CALLBACK_REPLAY_RATE,
    },
    deliveryLog: { keep: env.CALLBACK_DELIVERY_LOG, retentionDays: env.CALLBACK_DELIVERY_LOG_DAYS },
    record: { idempotencyHours: env.CALLBACK_IDEMPOTENCY_HOURS, payloadDays: env.CALLBACK_PAYLOAD_DAYS },
    endpointHealth: { disableAfterMs: env.CALLBACK_DISABLE_AFTER },
    ...(env.ALERT_WEBHOOK_URL !== undefined && {
      alerts: {
        url: env.ALERT_WEBHOOK_URL,
        ...(env.ALERT_WEBHOOK_TOKEN !== undefined && { token: env.ALERT_WEBHOOK_TOKEN }),
      },
    }),
    addresses: {
      allowHttp: env.CALLBACK_ALLOW_HTTP,
      allowedNetworks: env.CALLBACK_ALLOWED_NETWORKS,
      allowedPorts: env.CALLBACK_ALLOWED_PORTS,
    },
  };
}

function queueOptions(env: Env): QueueOptions {
  const timing = {
    lockDurationMs: env.QUEUE_LOCK_DURATION_MS,
    stalledIntervalMs: env.QUEUE_STALLED_INTERVAL_MS,
  };
  if (env.QUEUE_BACKEND === 'redis') {
    return { backend: 'redis', ...timing, url: env.REDIS_URL ?? '' };
  }
  const url = env.QUEUE_DATABASE_URL ?? env.DATABASE_DIRECT_URL ?? env.DATABASE_URL;
  return {
    backend: 'postgres',
    ...timing,
    ...(url !== undefined && { url }),
    poolSize: env.QUEUE_POOL_SIZE,
    migrate: env.MIGRATE_ON_START,
  };
}
