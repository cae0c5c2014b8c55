import { Redis } from 'ioredis';
import { REDIS_URL_VARIABLE } from './database-names.js';

/** Set by the Jest project a spec runs in. */
declare const queueBackend: 'postgres' | 'redis' | undefined;

/** The backend this run of the spec is for. */
export function testedBackend(): 'postgres' | 'redis' {
  return typeof queueBackend === 'undefined' ? 'postgres' : queueBackend;
}

/** What the service's environment needs for it: on Redis, a database of the test's own. */
export async function queueEnvironment(): Promise<Readonly<Record<string, string>>> {
  if (testedBackend() === 'postgres') return { QUEUE_BACKEND: 'postgres' };
  return { QUEUE_BACKEND: 'redis', REDIS_URL: await freshRedisDatabase() };
}

async function freshRedisDatabase(): Promise<string> {
  const url = process.env[REDIS_URL_VARIABLE];
  if (url === undefined)
    throw new Error(`${REDIS_URL_VARIABLE} is not set: Jest's global setup did not run.`);
  const redis = new Redis(url);
  try {
    // Database 0 hands out the others.
    return `${url}/${await redis.incr('databases-in-use')}`;
  } finally {
    redis.disconnect();
  }
}
