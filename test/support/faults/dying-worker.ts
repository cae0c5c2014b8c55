/**
 * A worker that dies of the first job it takes, as one does whose job is what kills it:
 * `dying-worker.ts <postgres | redis> <url> <queue>`. Several may run; each job kills one.
 */
import { Redis } from 'ioredis';
import { PostgresQueueBackend } from '../../../src/queues/postgres-queue-backend.js';
import { RedisQueueBackend } from '../../../src/queues/redis-queue-backend.js';

const [kind, url = '', queue = ''] = process.argv.slice(2);
const timing = { lockDurationMs: 500, stalledIntervalMs: 200 };
const backend =
  kind === 'postgres'
    ? new PostgresQueueBackend({ pool: { connectionString: url, max: 5 }, migrate: false, ...timing })
    : new RedisQueueBackend({ connect: (options) => new Redis(url, options), ...timing });
await backend.open();
const worker = backend.createWorker(
  queue,
  async () => {
    process.kill(process.pid, 'SIGKILL');
  },
  { maxStalledCount: 1_000_000 },
);
worker.on('error', () => undefined);
await worker.run();
