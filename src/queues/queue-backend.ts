import type { Job, JobsOptions, Processor, Queue, Worker, WorkerOptions } from 'bullmq';

/** What a worker may choose; the rest (connection, locks) is the backend's. */
export interface QueueWorkerOptions extends Omit<WorkerOptions, 'connection' | 'prefix'> {
  /** How soon after it found nothing a worker looks again at the earliest, ms: meanwhile more may come. Default 0. */
  readonly restMs?: number;
}

/** When a worker that died is noticed. */
export interface QueueTiming {
  /** How long a worker may be silent before its jobs become another's, ms; renewed at half of it. Default 30,000. */
  readonly lockDurationMs?: number;
  /** How often the jobs of silent workers are looked for, ms. Default 15,000. */
  readonly stalledIntervalMs?: number;
}

/** The same, as BullMQ's workers take it. */
export function workerTiming({ lockDurationMs = 30_000, stalledIntervalMs = 15_000 }: QueueTiming) {
  return { lockDuration: lockDurationMs, stalledInterval: stalledIntervalMs };
}

/** A job on its way into a queue. */
export interface QueuedJob {
  readonly queue: string;
  readonly name: string;
  readonly data: unknown;
  readonly options: JobsOptions & { readonly jobId: string };
}

/** node-postgres' own counts. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/**
 * The store behind the queues. One per module and process: its connections are shared by every queue
 * and worker, and it never touches BullMQ's process-wide defaults, which belong to the host.
 */
export abstract class QueueBackend {
  abstract readonly kind: 'postgres' | 'redis';

  /** Brings the store to where queues can be used. @throws naming what is wrong with it. */
  abstract open(): Promise<void>;

  /** Every call makes a queue; the caller closes it. */
  abstract createQueue(name: string): Queue;

  /** Not running yet: the caller calls `run()`. */
  abstract createWorker(name: string, processor: Processor, options: QueueWorkerOptions): Worker;

  /** One round trip to the store. @throws when it does not answer, at once where it is known to be away. */
  abstract ping(): Promise<void>;

  /** The store's clock, Unix milliseconds. */
  abstract now(): Promise<number>;

  /**
   * Runs `work`, whose commands to the queue do not wait for the store's disk: a crash of the store may undo the last
   * of them. For what may be done again, and on which nothing is built that a process which lives through the crash
   * goes on to do.
   */
  lazily<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  /**
   * Adds a job in the place of one in hand: both or neither, `lazily`, where the store can do that, and neither where
   * the other is not in hand any more. Else it is added, and its worker has yet to end the other.
   * @returns whether that has ended
   */
  abstract replace(job: AnyJob, token: string | undefined, add: () => Promise<unknown>): Promise<boolean>;

  /** How many commands it carries out side by side; others wait for one of these to end. */
  abstract readonly commandsAtOnce: number;

  /** The connections of a pool of the backend's own, where it has one. */
  get poolCounts(): PoolCounts | undefined {
    return undefined;
  }

  abstract close(): Promise<void>;
}

export type AnyJob = Job<unknown, void>;
