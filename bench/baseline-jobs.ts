import type { QueuedJob } from '../src/queues/queue-backend.js';

export const BASELINE_QUEUE = 'bench-baseline';

/** A plain worker by what it does with a job. */
export type BaselineKind = 'noop' | 'plain-axios' | 'bare-undici';

/** What a plain worker needs: nothing is encrypted. */
export interface BaselineJob {
  readonly url: string;
  readonly token: string;
  readonly body: string;
}

export function baselineJob(jobId: string, data: BaselineJob): QueuedJob {
  return {
    queue: BASELINE_QUEUE,
    name: 'callback',
    data,
    options: { jobId, removeOnComplete: true, removeOnFail: true },
  };
}

/** Jobs between two reports of a worker that is heard of in no other way. */
const REPORT_EVERY = 100;

/** Says on standard output, which the bench reads, that work has begun. */
export function announce(): void {
  say({ event: 'service.listening' });
}

/** Says now and then how many jobs are done. */
export function announceDone(done: number): void {
  if (done % REPORT_EVERY === 0) say({ event: 'bench.done', done });
}

function say(line: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(line));
}
