/**
 * What the service is held against: a BullMQ worker on the same backend that does nothing, one that posts
 * with axios as most are written, and one on undici alone. No isolation, no retries, no log.
 */
import { createPostgresBackend, Worker, type BackendFactory, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import {
  announce,
  announceDone,
  BASELINE_QUEUE,
  type BaselineJob,
  type BaselineKind,
} from './baseline-jobs.js';
import { postByAxios, postByUndici } from './baseline-senders.js';

const { DATABASE_URL = '', REDIS_URL = '', QUEUE_BACKEND, CALLBACK_CONCURRENCY = '50' } = process.env;
let done = 0;

const deliver: Record<BaselineKind, (job: BaselineJob) => Promise<void>> = {
  // No receiver counts these.
  noop: async () => announceDone(++done),
  'plain-axios': postByAxios,
  'bare-undici': postByUndici,
};

const options = {
  concurrency: Number(CALLBACK_CONCURRENCY),
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
};
const send = deliver[process.argv[2] as BaselineKind];
const take = (job: { data: unknown }): Promise<void> => send(job.data as BaselineJob);

/** BullMQ as its own documentation has it. */
const worker =
  QUEUE_BACKEND === 'redis'
    ? new Worker(BASELINE_QUEUE, take, {
        ...options,
        connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }),
      })
    : new Worker(
        BASELINE_QUEUE,
        take,
        { ...options, connection: DATABASE_URL } as unknown as WorkerOptions,
        createPostgresBackend as unknown as BackendFactory as never,
      );
worker.on('error', () => undefined);
process.once('SIGTERM', () => {
  void worker.close().then(() => process.exit(0));
});
announce();
