import type { QueuedJob } from '../src/queues/queue-backend.js';

export const BASELINE_QUEUE = 'bench-baseline';

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
