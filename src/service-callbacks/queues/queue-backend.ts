import type { Job, JobType, Queue } from 'bullmq';
import type { Values } from '../../config/setting.js';
import type { queueTiming } from '../../config/settings.js';
import type { FetchingWorker } from './fetching-worker.js';

/** How fast a dead worker is noticed. */
export type QueueTiming = Values<typeof queueTiming>;

/** So large that it is never reached: BullMQ fails a job that stalls more often without calling the processor. */
const NEVER_FAIL_ON_STALL = 1_000_000;

/** Options of every worker. Completed and failed jobs are removed: an id that is kept swallows the next `add`. */
export function workerOptions({ lockDurationMs, stalledIntervalMs }: QueueTiming) {
  return {
    lockDuration: lockDurationMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount: NEVER_FAIL_ON_STALL,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    autorun: false,
  };
}

/** BullMQ's state of waiting jobs of a paused queue on PostgreSQL; its type does not have it. */
const PAUSED = 'paused' as JobType;
/** The options of a job that does not go first: BullMQ fetches jobs without a priority before all others. */
const LATER = { priority: 1 } as const;

/** A job to be added. */
export interface QueuedJob {
  readonly queue: string;
  readonly name: string;
  /** Neither a whole number nor a text with a colon (BullMQ's rules). An id that is in the queue is not added again. */
  readonly id: string;
  readonly data: unknown;
  /** It is fetched before jobs that do not go first. */
  readonly goesFirst: boolean;
}

/** Jobs that no worker has fetched. */
export interface WaitingJobs {
  /** Those that go first. */
  readonly first: number;
  readonly later: number;
}

/** BullMQ's state of a job; `unknown`: in no queue. */
export type JobState = Awaited<ReturnType<Queue['getJobState']>>;

/** The counts of node-postgres. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/**
 * The store behind the queues, one for each module and process. Every queue and worker shares its connections. It never
 * changes BullMQ's process-wide defaults, which belong to the host.
 */
export abstract class QueueBackend {
  abstract readonly kind: 'postgres' | 'redis';
  private readonly queues = new Map<string, Promise<Queue>>();

  /**
   * Prepares the store, so that queues can be used.
   * @throws naming what is wrong with the store
   */
  abstract open(): Promise<void>;

  /** Every call makes a queue; the caller closes it. */
  abstract createQueue(name: string): Queue;

  /** A worker that fetches nothing until a `FetchLoop` does. */
  abstract createWorker(name: string): Promise<FetchingWorker>;

  /** How long a lock lasts and how often stalled jobs are looked for, ms. */
  abstract readonly timing: QueueTiming;

  /** @throws at once if the store is known to be unavailable */
  async add({ queue, name, id, data, goesFirst }: QueuedJob): Promise<void> {
    const options = { jobId: id, removeOnComplete: true, removeOnFail: true, ...(!goesFirst && LATER) };
    await (await this.queue(queue)).add(name, data, options);
  }

  async waitingJobs(queue: string): Promise<WaitingJobs> {
    const counts = await (await this.queue(queue)).getJobCounts('waiting', 'prioritized', PAUSED);
    return { first: (counts.waiting ?? 0) + (counts[PAUSED] ?? 0), later: counts.prioritized ?? 0 };
  }

  async jobState(queue: string, id: string): Promise<JobState> {
    return (await this.queue(queue)).getJobState(id);
  }

  /**
   * One round trip to the store.
   * @throws if it does not respond; at once if it is known to be unavailable
   */
  abstract ping(): Promise<void>;

  /** @throws if nothing can be queued: the store does not respond, or is read-only */
  abstract assertWritable(): Promise<void>;

  /**
   * Sends no command.
   * @throws if the store is known to be unavailable
   */
  assertUsable(): void {
    // Backends whose client knows its state override this.
  }

  /** The store's clock, Unix milliseconds. */
  abstract now(): Promise<number>;

  /** The connections of the backend's own pool, if it has one. */
  get poolCounts(): PoolCounts | undefined {
    return undefined;
  }

  abstract close(): Promise<void>;

  /** A queue whose commands fail at once while the store is unavailable. */
  protected abstract createFailFastQueue(name: string): Queue;

  protected async closeQueues(): Promise<void> {
    await Promise.all([...this.queues.values()].map(async (queue) => (await queue).close()));
  }

  private async queue(name: string): Promise<Queue> {
    this.assertUsable();
    const known = this.queues.get(name);
    if (known) return known;
    const opening = this.openQueue(name);
    this.queues.set(name, opening);
    // BullMQ never tries again: such a queue is discarded.
    opening.catch(() => this.queues.delete(name));
    return opening;
  }

  private async openQueue(name: string): Promise<Queue> {
    const queue = this.createFailFastQueue(name);
    // Each command reports its own error.
    queue.on('error', () => undefined);
    try {
      await queue.waitUntilReady();
      return queue;
    } catch (error) {
      await queue.close().catch(() => undefined);
      throw error;
    }
  }
}

export type AnyJob = Job<unknown, void>;
