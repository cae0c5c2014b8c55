/**
 * What the service is held against: a BullMQ worker on the same backend that does nothing, one that posts
 * with axios as most are written, and one on undici alone. No isolation, no retries, no log.
 */
import axios from 'axios';
import { Redis } from 'ioredis';
import { request } from 'undici';
import { PostgresQueueBackend } from '../src/queues/postgres-queue-backend.js';
import type { QueueBackend } from '../src/queues/queue-backend.js';
import { RedisQueueBackend } from '../src/queues/redis-queue-backend.js';
import { BASELINE_QUEUE, type BaselineJob } from './baseline-jobs.js';
import type { WorkerKind } from './worker-process.js';

const { DATABASE_URL = '', REDIS_URL = '', QUEUE_BACKEND, CALLBACK_CONCURRENCY = '50' } = process.env;
const kind = process.argv[2] as WorkerKind;
const deadlineMs = 5_000;

const headers = (token: string) => ({ 'content-type': 'application/json', authorization: `Bearer ${token}` });

const deliver: Record<Exclude<WorkerKind, 'service'>, (job: BaselineJob) => Promise<void>> = {
  noop: async () => undefined,
  'plain-axios': async ({ url, token, body }) => {
    await axios.post(url, body, { headers: headers(token), timeout: deadlineMs, maxRedirects: 0 });
  },
  'bare-undici': async ({ url, token, body }) => {
    const answer = await request(url, {
      method: 'POST',
      headers: headers(token),
      body,
      signal: AbortSignal.timeout(deadlineMs),
    });
    await answer.body.dump();
  },
};

const backend: QueueBackend =
  QUEUE_BACKEND === 'redis'
    ? new RedisQueueBackend({ connect: (options) => new Redis(REDIS_URL, options) })
    : new PostgresQueueBackend({ pool: { connectionString: DATABASE_URL, max: 10 }, migrate: true });
await backend.open();

const send = kind === 'service' ? deliver.noop : deliver[kind];
const worker = backend.createWorker(BASELINE_QUEUE, (job) => send(job.data as BaselineJob), {
  concurrency: Number(CALLBACK_CONCURRENCY),
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
});
worker.on('error', () => undefined);
void worker.run();
process.once('SIGTERM', () => {
  void worker.close().then(() => process.exit(0));
});
console.log(JSON.stringify({ event: 'service.listening' }));
