import { Redis } from 'ioredis';
import { PostgresQueueBackend } from '../../src/queues/postgres-queue-backend.js';
import type { QueueBackend, QueueTiming } from '../../src/queues/queue-backend.js';
import { RedisQueueBackend } from '../../src/queues/redis-queue-backend.js';
import { queueEnvironment } from './queue-backend.js';

/** The backend this run of a spec is for, without the service around it. */
export async function openTestedBackend(databaseUrl: string, timing: QueueTiming): Promise<QueueBackend> {
  const { REDIS_URL: redisUrl } = await queueEnvironment();
  const backend =
    redisUrl === undefined
      ? new PostgresQueueBackend({
          pool: { connectionString: databaseUrl, max: 20 },
          migrate: true,
          ...timing,
        })
      : new RedisQueueBackend({ connect: (options) => new Redis(redisUrl, options), ...timing });
  await backend.open();
  return backend;
}
