import type { JobState, QueuedJob } from '../../src/service-callbacks/queues/queue-backend.js';

/** A job as a worker gets it. */
export interface ModelJob {
  readonly queue: string;
  readonly id: string;
  readonly data: unknown;
  /** When it was added. */
  readonly timestamp: number;
  token: string | undefined;
  /** How often a worker lost it, and how often one began it. */
  stalls: number;
  starts: number;
}

/** BullMQ's code for a job that is gone, or belongs to another worker. */
class LostLockError extends Error {
  readonly code = -2;
}

/**
 * The two queues, with the promises of both backends (test/conformance): an existing id is not added twice, a job stays
 * until its worker completes it, and a job whose lock expired is handed out again. The order is random.
 */
export class ModelQueues {
  private readonly jobs = new Map<string, ModelJob>();

  add({ queue, id, data }: QueuedJob, timestamp: number): void {
    const key = `${queue} ${id}`;
    if (this.jobs.has(key)) return;
    // A copy, as a store would return it.
    const stored: unknown = JSON.parse(JSON.stringify(data));
    this.jobs.set(key, { queue, id, data: stored, timestamp, token: undefined, stalls: 0, starts: 0 });
  }

  all(): ModelJob[] {
    return [...this.jobs.values()];
  }

  waiting(): ModelJob[] {
    return this.all().filter(({ token }) => token === undefined);
  }

  active(): ModelJob[] {
    return this.all().filter(({ token }) => token !== undefined);
  }

  state(queue: string, id: string): JobState {
    const job = this.jobs.get(`${queue} ${id}`);
    if (!job) return 'unknown';
    return job.token === undefined ? 'waiting' : 'active';
  }

  claim(job: ModelJob, token: string): void {
    job.token = token;
    job.starts += 1;
  }

  /** @throws if its lock belongs to another worker, or the job is gone */
  complete(queue: string, id: string, token: string): void {
    const key = `${queue} ${id}`;
    if (this.jobs.get(key)?.token !== token) throw new LostLockError(`${key} is not locked by ${token}`);
    this.jobs.delete(key);
  }

  /** The lock of its worker expired. */
  stall(job: ModelJob): void {
    job.token = undefined;
    job.stalls += 1;
  }

  /** All jobs are lost: FLUSHALL, an empty Redis in its place, or a new schema of the queue. */
  flush(): void {
    this.jobs.clear();
  }
}
