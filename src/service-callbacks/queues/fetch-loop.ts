import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyJob } from './queue-backend.js';
import type { FetchingWorker } from './fetching-worker.js';

/** What the loop needs of its processor. */
export interface JobProcessor {
  /** The number of callbacks in a job: it needs so many permits. */
  sizeOf(job: AnyJob): number;
  /**
   * Resolves when all callbacks of the job are settled; the job is completed then.
   * @param freed to be called once for each callback that no longer needs its permit
   * @returns `keep`: the job stays active until its lock expires; then the check for stalled jobs returns it
   */
  process(job: AnyJob, freed: () => void): Promise<'complete' | 'keep'>;
}

export interface FetchLoopOptions {
  /** With this many unfinished callbacks no job is fetched. The last job may exceed it. */
  readonly permits: number;
  /** How long a lock lasts, ms; it is renewed after a third of that. */
  readonly lockDurationMs: number;
  readonly onError: (error: unknown) => void;
}

interface FetchedJob {
  readonly job: AnyJob;
  /** The token of the lock. It changes if the store hands the job out again meanwhile. */
  token: string;
}

/** The delay after an error of the store, ms. */
const RETRY_MS = 1_000;
/**
 * If a host limits the queue's rate or its active jobs, BullMQ returns without waiting for a job. After so many such
 * fetches in a row, each shorter than `soonerThanMs`, the loop pauses for `restMs`.
 */
const EMPTY = { fetches: 3, soonerThanMs: 20, restMs: 100 } as const;
/** How long a stop waits for a store that does not respond, ms. */
const LAST_RESPONSE_MS = 2_000;

/**
 * Fetches jobs while there are permits for their callbacks. BullMQ's own loop counts jobs, and claims as many as its
 * `concurrency` before it starts the first.
 */
export class FetchLoop {
  private readonly fetched = new Map<string, FetchedJob>();
  private readonly processing = new Set<Promise<unknown>>();
  private readonly completing = new Set<Promise<unknown>>();
  private readonly stopping = new AbortController();
  private unfinished = 0;
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

  /** Unfinished callbacks of the fetched jobs. */
  get unfinishedCallbacks(): number {
    return this.unfinished;
  }

  /** Begins paused. */
  start(): void {
    this.running = this.run();
    this.renewal = setInterval(() => void this.renewLocks(), this.options.lockDurationMs / 3);
    this.renewal.unref();
  }

  /** Also stops the check for stalled jobs. */
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
   * Stops fetching, and resolves when the fetched jobs are done. It does not wait for a store that does not respond in
   * time: the locks expire.
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
      await this.untilRoom();
      if (signal.aborted) return;
      this.tokens += 1;
      const token = `${this.worker.id}:${this.tokens}`;
      const fetchedAt = performance.now();
      try {
        // Undefined if no job came within BullMQ's block timeout, whatever its type says.
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

  /** A pause that a stop ends. */
  private async rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private async untilRoom(): Promise<void> {
    while (this.unfinished >= this.options.permits && !this.stopping.signal.aborted) {
      this.hasRoom = Promise.withResolvers();
      await this.hasRoom.promise;
    }
  }

  private take(job: AnyJob, token: string): void {
    const id = job.id ?? '';
    const known = this.fetched.get(id);
    if (known) {
      // The store did not get the renewals and handed the job out again: the work continues under the new lock.
      known.token = token;
      return;
    }
    const entry: FetchedJob = { job, token };
    this.fetched.set(id, entry);
    const processed = tracked(this.processing, this.process(entry));
    void processed.then(async (end) => {
      if (end === 'complete') await tracked(this.completing, this.complete(entry));
      this.fetched.delete(id);
    });
  }

  private async process({ job }: FetchedJob): Promise<'complete' | 'keep'> {
    let left = this.processor.sizeOf(job);
    this.unfinished += left;
    const free = (count: number): void => {
      const freed = Math.min(count, left);
      left -= freed;
      this.unfinished -= freed;
      if (this.unfinished < this.options.permits) this.hasRoom.resolve();
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

  /**
   * A job whose lock is lost is completed by another worker. If the store does not respond, this worker keeps the lock
   * until it does.
   */
  private async complete(entry: FetchedJob): Promise<void> {
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
    const jobs = [...this.fetched.entries()];
    if (jobs.length === 0) return;
    const ids = jobs.map(([id]) => id);
    const tokens = jobs.map(([, { token }]) => token);
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

/** Adds a promise to a set until it settles. */
function tracked<T>(set: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  set.add(work);
  void work.finally(() => set.delete(work));
  return work;
}

/** BullMQ's codes for a job that this worker cannot complete: its lock is another worker's, or it is gone. */
function isLost(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
}
