/** A callback without queue and record: the same POST, `BENCH_COUNT` times, several at once. */
import { request } from 'undici';
import { announce, type BaselineJob } from './baseline-jobs.js';

const { BENCH_JOB = '{}', BENCH_COUNT = '0', CALLBACK_CONCURRENCY = '50' } = process.env;
const DEADLINE_MS = 5_000;
const { url, token, body } = JSON.parse(BENCH_JOB) as BaselineJob;
let left = Number(BENCH_COUNT);

async function post(): Promise<void> {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  await response.body.dump();
}

async function postInTurn(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await post();
  }
}

announce();
await Promise.all(Array.from({ length: Number(CALLBACK_CONCURRENCY) }, postInTurn));
