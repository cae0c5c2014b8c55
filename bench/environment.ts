import type { BackendName } from './options.js';
import type { Stores } from './lab.js';

/** The environment of every process of the service under test. */
export function environmentOf(
  backend: BackendName,
  stores: Stores,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    NODE_ENV: 'development',
    PORT: '0',
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
    DATABASE_URL: stores.databaseUrl,
    QUEUE_BACKEND: backend,
    ...(stores.redisUrl !== undefined && { REDIS_URL: stores.redisUrl }),
    CALLBACK_ALLOW_HTTP: 'true',
    CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
    CALLBACK_ENCRYPTION_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    ...own,
  };
}
