/**
 * The baseline: a BullMQ worker on the same backend that posts with axios, as most are written. It has no isolation, no
 * retries, no log and no record.
 */
import axios from 'axios';
import { createPostgresBackend, Worker, type BackendFactory, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { announce, BASELINE_QUEUE, type BaselineJob } from './baseline-jobs.js';

const { DATABASE_URL = '', REDIS_URL = '', QUEUE_BACKEND, CALLBACK_CONCURRENCY = '50' } = process.env;
const DEADLINE_MS = 5_000;

const options = {
  concurrency: Number(CALLBACK_CONCURRENCY),
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
};

async function deliver({ data }: { data: unknown }): Promise<void> {
  const { url, token, body } = data as BaselineJob;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  await axios.post(url, body, { headers, timeout: DEADLINE_MS, maxRedirects: 0 });
}

/** As in BullMQ's documentation. */
const worker =
  QUEUE_BACKEND === 'redis'
    ? new Worker(BASELINE_QUEUE, deliver, {
        ...options,
        connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }),
      })
    : new Worker(
        BASELINE_QUEUE,
        deliver,
        { ...options, connection: DATABASE_URL } as unknown as WorkerOptions,
        createPostgresBackend as unknown as BackendFactory as never,
      );
worker.on('error', () => undefined);
process.once('SIGTERM', () => {
  void worker.close().then(() => process.exit(0));
});
announce();
