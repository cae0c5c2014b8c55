/**
 * What the service is held against: a BullMQ worker on the same backend that does nothing, one that posts
 * with axios as most are written, and one on undici alone. No isolation, no retries, no log.
 */
import axios from 'axios';
import { createPostgresBackend, Worker, type BackendFactory, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { request } from 'undici';
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

const options = {
  concurrency: Number(CALLBACK_CONCURRENCY),
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
};
const send = kind === 'service' ? deliver.noop : deliver[kind];
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
console.log(JSON.stringify({ event: 'service.listening' }));
