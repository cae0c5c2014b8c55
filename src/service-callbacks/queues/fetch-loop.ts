import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyJob } from './queue-backend.js';
import type { FetchingWorker } from './fetching-worker.js';

/** What the loop needs of the one that processes its jobs. */
export interface JobProcessor {
  /** How many callbacks a job has: so many permits it takes. */
  sizeOf(job: AnyJob): number;
  /**
   * Resolves when all callbacks of the job are settled; the job is completed then.
   * @param freed to be called once for each callback that needs its permit no longer
   * @returns `keep`: the job stays active, its lock runs out, and the stall check returns it
   */
  process(job: AnyJob, freed: () => void): Promise<'complete' | 'keep'>;
}

export interface FetchLoopOptions {
  /** Callbacks in hand at which no further job is fetched; one job more than that may be in hand. */
  readonly permits: number;
  /** How long a lock lasts, ms; renewed at a third of it. */
  readonly lockDurationMs: number;
  readonly onError: (error: unknown) => void;
}

interface HeldJob {
  readonly job: AnyJob;
  /** Of the lock; another one where the job was handed out again while it was in hand. */
  token: string;
}

/** After an error of the store, ms. */
const RETRY_MS = 1_000;
/**
 * BullMQ does not wait for a job while a host limits the queue's rate or its jobs in hand: after so many fetches that
 * returned nothing sooner than this, ms, the next one is made after a rest, ms.
 */
const EMPTY = { fetches: 3, soonerThanMs: 20, restMs: 100 } as const;
/** How long a stop waits for a store that does not respond, ms. */
const LAST_RESPONSE_MS = 2_000;

/**
 * Fetches jobs while there are permits for their callbacks. BullMQ's own loop counts jobs, and claims as many as its
 * `concurrency` before it starts the first.
 */
export class FetchLoop {
  private readonly held = new Map<string, HeldJob>();
  private readonly processing = new Set<Promise<unknown>>();
  private readonly completing = new Set<Promise<unknown>>();
  private readonly stopping = new AbortController();
  private inHand = 0;
  private tokens = 0;
  private hasRoom = Promise.withResolvers<void>();
  private resumed = Promise.withResolvers<void>();
  private running: Promise<void> | undefined;
  private renewal: NodeJS.Timeout | undefined;

  constructor(
    private readonly worker: FetchingWorker,
    private readonly processor: JobProcessor,
    private readonly options: FetchLoopOptions,
  ) {
    void worker.pause(true);
  }

  get name(): string {
    return this.worker.name;
  }

  get isFetching(): boolean {
    return this.running !== undefined && !this.stopping.signal.aborted && !this.worker.isPaused();
  }

  /** Callbacks of the jobs in hand that are not finished. */
  get callbacksInHand(): number {
    return this.inHand;
  }

  /** Begins paused. */
  start(): void {
    this.running = this.run();
    this.renewal = setInterval(() => void this.renewLocks(), this.options.lockDurationMs / 3);
    this.renewal.unref();
  }

  /** Stops looking for stalled jobs as well. */
  async pause(): Promise<void> {
    if (this.worker.isPaused()) return;
    this.resumed = Promise.withResolvers();
    await this.worker.pause(true);
  }

  async resume(): Promise<void> {
    await this.worker.resume();
    await this.worker.startStalledCheckTimer();
    this.resumed.resolve();
  }

  /**
   * Fetches no more; resolves when the jobs in hand are done. What the store does not respond to in time is not waited
   * for: locks run out.
   */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.hasRoom.resolve();
    this.resumed.resolve();
    void this.worker.pause(true);
    this.worker.interrupt().catch(this.options.onError);
    await inTime(this.running);
    await Promise.all(this.processing);
    await inTime(Promise.all(this.completing));
    clearInterval(this.renewal);
    await inTime(this.worker.close(true));
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let empty = 0;
    while (!signal.aborted) {
      await this.resumed.promise;
      await this.room();
      if (signal.aborted) return;
      this.tokens += 1;
      const token = `${this.worker.id}:${this.tokens}`;
      const fetchedAt = performance.now();
      try {
        // Undefined where none came within BullMQ's block timeout, whatever its type says.
        const job = (await this.worker.getNextJob(token)) as AnyJob | undefined;
        if (job) this.take(job, token);
        empty = job || performance.now() - fetchedAt > EMPTY.soonerThanMs ? 0 : empty + 1;
        if (empty >= EMPTY.fetches) await this.rest(EMPTY.restMs);
      } catch (error) {
        this.options.onError(error);
        await this.rest(RETRY_MS);
      }
    }
  }

  /** Ends with a stop. */
  private async rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private async room(): Promise<void> {
    while (this.inHand >= this.options.permits && !this.stopping.signal.aborted) {
      this.hasRoom = Promise.withResolvers();
      await this.hasRoom.promise;
    }
  }

  private take(job: AnyJob, token: string): void {
    const id = job.id ?? '';
    const held = this.held.get(id);
    if (held) {
      // The store handed it out again because it did not hear of the renewals: the work goes on under the new lock.
      held.token = token;
      return;
    }
    const entry: HeldJob = { job, token };
    this.held.set(id, entry);
    const processed = tracked(this.processing, this.process(entry));
    void processed.then(async (end) => {
      if (end === 'complete') await tracked(this.completing, this.complete(entry));
      this.held.delete(id);
    });
  }

  private async process({ job }: HeldJob): Promise<'complete' | 'keep'> {
    let left = this.processor.sizeOf(job);
    this.inHand += left;
    const free = (count: number): void => {
      const freed = Math.min(count, left);
      left -= freed;
      this.inHand -= freed;
      if (this.inHand < this.options.permits) this.hasRoom.resolve();
    };
    try {
      return await this.processor.process(job, () => free(1));
    } catch (error) {
      this.options.onError(error);
      return 'keep';
    } finally {
      free(left);
    }
  }

  /** A job whose lock is lost is another's to complete. If the store does not respond, the lock is held until it does. */
  private async complete(entry: HeldJob): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      try {
        await entry.job.moveToCompleted(undefined, entry.token, false);
        return;
      } catch (error) {
        if (isLost(error)) return;
        this.options.onError(error);
        if (signal.aborted) return;
        await this.rest(RETRY_MS);
      }
    }
  }

  private async renewLocks(): Promise<void> {
    const held = [...this.held.entries()];
    if (held.length === 0) return;
    const ids = held.map(([id]) => id);
    const tokens = held.map(([, { token }]) => token);
    await this.worker.extendJobLocks(ids, tokens, this.options.lockDurationMs).catch(this.options.onError);
  }
}

async function inTime(work: Promise<unknown> | undefined): Promise<void> {
  const over = new AbortController();
  await Promise.race([
    work,
    sleep(LAST_RESPONSE_MS, undefined, { signal: over.signal }).catch(() => undefined),
  ]);
  over.abort();
}

/** Is in the set until it is settled. */
function tracked<T>(set: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  set.add(work);
  void work.finally(() => set.delete(work));
  return work;
}

/** BullMQ's number for why a job cannot be completed: it is not this worker's any more, or not there. */
function isLost(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
}
