import { Redis } from 'ioredis';
import { PostgresQueueBackend } from '../../src/service-callbacks/queues/postgres-queue-backend.js';
import type { QueueBackend, QueueTiming } from '../../src/service-callbacks/queues/queue-backend.js';
import { RedisQueueBackend } from '../../src/service-callbacks/queues/redis-queue-backend.js';
import { queueEnvironment } from './queue-backend.js';

/**
 * The backend this run of a spec is for, without the service around it.
 * @param route the store's URL by another way
 */
export async function openTestedBackend(
  databaseUrl: string,
  timing: QueueTiming,
  route: (url: string) => Promise<string> = async (url) => url,
): Promise<QueueBackend> {
  const { REDIS_URL: redisUrl } = await queueEnvironment();
  const url = await route(redisUrl ?? databaseUrl);
  const backend =
    redisUrl === undefined
      ? new PostgresQueueBackend({ pool: { connectionString: url, max: 20 }, migrate: true, ...timing })
      : new RedisQueueBackend({ connect: (options) => new Redis(url, options), ...timing });
  await backend.open();
  return backend;
}
