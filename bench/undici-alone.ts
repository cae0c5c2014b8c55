/** What is left of a callback without a queue: the same POST, `BENCH_COUNT` times, so many at a time. */
import { announce, type BaselineJob } from './baseline-jobs.js';
import { postByUndici } from './baseline-senders.js';

const { BENCH_JOB = '{}', BENCH_COUNT = '0', CALLBACK_CONCURRENCY = '50' } = process.env;
const job = JSON.parse(BENCH_JOB) as BaselineJob;
let left = Number(BENCH_COUNT);

async function postInTurn(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await postByUndici(job);
  }
}

announce();
await Promise.all(Array.from({ length: Number(CALLBACK_CONCURRENCY) }, postInTurn));
