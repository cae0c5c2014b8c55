/** Prints what one process of each role holds when it is idle (docs/operations.md). */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedisServer } from '../redis-server.js';
import { query } from '../sql.js';
import { startOwnedPostgres } from './owned-postgres.js';
import { startServiceProcess } from './service-process.js';

const COUNT = `SELECT application_name, count(*)::int AS n FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY 1 ORDER BY 1`;
/** Longer than pools keep idle connections, ms. */
const SETTLE_MS = 15_000;

const [postgres, redis] = await Promise.all([startOwnedPostgres(), startRedisServer({ persistent: true })]);
const client = new Redis(redis.url);
try {
  for (const backend of ['postgres', 'redis']) {
    for (const role of ['api', 'worker', 'all']) {
      const service = await startServiceProcess({
        PROCESS_ROLE: role,
        DATABASE_URL: postgres.url,
        QUEUE_BACKEND: backend,
        REDIS_URL: redis.url,
      });
      await sleep(SETTLE_MS);
      const rows = await query<{ application_name: string; n: number }>(postgres.url, COUNT);
      const clients = ((await client.client('LIST')) as string).trim().split('\n').length - 1;
      const counts = rows.map(({ application_name: name, n }) => `${name.slice(0, 60)} ${n}`);
      process.stdout.write(`${backend} ${role}: PostgreSQL [${counts.join(', ')}], Redis ${clients}\n`);
      await service.kill();
    }
  }
} finally {
  client.disconnect();
  await Promise.all([postgres.stop(), redis.stop()]);
}
