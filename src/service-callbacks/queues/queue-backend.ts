import type { Job, JobType, Queue } from 'bullmq';
import type { Values } from '../../config/setting.js';
import type { queueTiming } from '../../config/settings.js';
import type { FetchingWorker } from './fetching-worker.js';

/** When a worker that died is noticed. */
export type QueueTiming = Values<typeof queueTiming>;

/** Never reached: BullMQ would fail a job that stalls more often without showing it to anybody. */
const NEVER_FAIL_ON_STALL = 1_000_000;

/** What every worker has. No terminal job stays: an id that is still kept swallows the next `add`. */
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

/** What BullMQ on PostgreSQL counts waiting jobs of a paused queue as; its type does not name it. */
const PAUSED = 'paused' as JobType;
/** Of a job that does not go first: BullMQ fetches jobs without a priority before all others. */
const LATER = { priority: 1 } as const;

/** A job on its way into a queue. */
export interface QueuedJob {
  readonly queue: string;
  readonly name: string;
  /** No whole number, and without a colon (BullMQ's rules). One that is in the queue is not added again. */
  readonly id: string;
  readonly data: unknown;
  /** It is fetched before those that do not. */
  readonly goesFirst: boolean;
}

/** Jobs that no worker has fetched. */
export interface WaitingJobs {
  /** Those that go first. */
  readonly first: number;
  readonly later: number;
}

/** Where a job is, as BullMQ calls it; `unknown`: in no queue. */
export type JobState = Awaited<ReturnType<Queue['getJobState']>>;

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
  private readonly queues = new Map<string, Promise<Queue>>();

  /** Brings the store to where queues can be used. @throws naming what is wrong with it. */
  abstract open(): Promise<void>;

  /** Every call makes a queue; the caller closes it. */
  abstract createQueue(name: string): Queue;

  /** Fetches nothing until a `FetchLoop` does. */
  abstract createWorker(name: string): Promise<FetchingWorker>;

  /** How long a lock lasts and how often stalled jobs are looked for, ms. */
  abstract readonly timing: QueueTiming;

  /** @throws at once if the store is known to be unavailable. */
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

  /** One round trip to the store. @throws when it does not respond; at once if it is known to be unavailable. */
  abstract ping(): Promise<void>;

  /** @throws where nothing can be queued: the store does not respond, or is read-only. */
  abstract assertWritable(): Promise<void>;

  /** Sends no command. @throws if the store is known to be unavailable. */
  assertUsable(): void {
    // Overridden where a client knows.
  }

  /** The store's clock, Unix milliseconds. */
  abstract now(): Promise<number>;

  /** The connections of a pool of the backend's own, where it has one. */
  get poolCounts(): PoolCounts | undefined {
    return undefined;
  }

  abstract close(): Promise<void>;

  /** A queue whose commands fail at once while the store is unavailable. */
  protected abstract createPromptQueue(name: string): Queue;

  protected async closeQueues(): Promise<void> {
    await Promise.all([...this.queues.values()].map(async (queue) => (await queue).close()));
  }

  private async queue(name: string): Promise<Queue> {
    this.assertUsable();
    const known = this.queues.get(name);
    if (known) return known;
    const opening = this.openQueue(name);
    this.queues.set(name, opening);
    // BullMQ never tries this again: such a queue is discarded.
    opening.catch(() => this.queues.delete(name));
    return opening;
  }

  private async openQueue(name: string): Promise<Queue> {
    const queue = this.createPromptQueue(name);
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
