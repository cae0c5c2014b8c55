import { setTimeout as sleep } from 'node:timers/promises';
import {
  DelayedError,
  UnrecoverableError,
  Worker,
  type BackendFactory,
  type Job,
  type JobJson,
  type Processor,
  type WorkerOptions,
} from 'bullmq';
import type { QueueBackend, QueueWorkerOptions } from './queue-backend.js';

/** Stands in for data that is not JSON: no shape of ours, so the reader calls it unreadable. */
const NOT_JSON = JSON.stringify({ not_json: true });

/** BullMQ lets an idle worker of a PostgreSQL queue sleep for an hour where a probe of its failed once, s. */
const MAX_BLOCK_S = 5;

/** What BullMQ's own method answers where there is none, whatever its type says. */
const NO_JOB = undefined as unknown as Job;

/** Between two tries to fetch from a store that answers with errors, ms. */
const FETCH_RETRY_MS = 500;

/** Of how many jobs it is remembered what they came to while the queue does not know. */
const MAX_REMEMBERED = 50_000;

/** Until a job is due that was put off in vain, ms. */
const PUT_OFF_MS = 1_000;

/** BullMQ's worker, save where it would lose, repeat, or spin. */
export class TolerantWorker extends Worker {
  /** What was begun here, by job, until the queue knows what it came to. */
  private readonly inHand = new Map<string, Promise<unknown>>();
  private readonly restMs: number;
  /** Monotonic, ms; in the past unless the last look at the queue found nothing. */
  private restsUntil = 0;

  constructor(
    private readonly store: QueueBackend,
    name: string,
    processor: Processor,
    { restMs = 0, ...options }: WorkerOptions & Pick<QueueWorkerOptions, 'restMs'>,
    factory: BackendFactory,
  ) {
    super(name, processor, options, factory as never);
    this.restMs = restMs;
  }

  override get maximumBlockTimeout(): number {
    return Math.min(super.maximumBlockTimeout, MAX_BLOCK_S);
  }

  /**
   * BullMQ parses a job before its processor sees it, and one that does not parse would stay active, stall
   * and come back for ever. Here it reaches the processor, which gives it up by name.
   */
  protected override createJob(json: JobJson, jobId: string): Job {
    try {
      return super.createJob(json, jobId);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return super.createJob({ ...json, data: NOT_JSON }, jobId);
    }
  }

  /**
   * BullMQ lets a worker that is paused while it waits take one more job. It asks again at once after an error that
   * is not the connection's (a full or read-only store, say), and whenever another job is added or put off.
   */
  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    const rest = this.restsUntil - performance.now();
    if (rest > 0 && !this.closing) await sleep(rest);
    if (this.isPaused()) return NO_JOB;
    try {
      // One that a crash undoes waits again, and is what this worker has in hand where it is the one that gets it.
      return await this.store.lazily(() => super.moveToActive(token, name));
    } catch (error) {
      if (!this.closing) await sleep(FETCH_RETRY_MS);
      throw error;
    }
  }

  /**
   * A store that answers nothing for longer than a lock lasts hands out again what is still being worked on here,
   * and what came to its end but could not be said to have. Neither is done twice.
   */
  protected override callProcessJob(job: Job, token: string, signal?: AbortSignal): Promise<unknown> {
    const key = keyOf(job);
    const begun = this.inHand.get(key);
    if (begun) return join(begun, job, token);
    const work = super.callProcessJob(job, token, signal);
    this.inHand.set(key, work);
    if (this.inHand.size > MAX_REMEMBERED) this.inHand.delete(this.inHand.keys().next().value ?? key);
    // What was put off has come to nothing, and is the same attempt when it is due.
    work.catch((error: unknown) => {
      if (error instanceof DelayedError && this.inHand.get(key) === work) this.inHand.delete(key);
    });
    return work;
  }

  /**
   * BullMQ would fail, and so repeat, a job whose work is done but whose completion was answered by an error. Here
   * it stays active until its lock runs out; whoever gets it then finds it done, if it is this process.
   */
  protected override async handleCompleted(
    ...[result, job, token, mayFetch, span]: Parameters<Worker['handleCompleted']>
  ): Promise<Job> {
    const key = keyOf(job);
    try {
      const next = await super.handleCompleted(result, job, token, this.unlessResting(mayFetch), span);
      this.inHand.delete(key);
      return next;
    } catch (error) {
      // BullMQ tries again, save while it closes: then it would fail what is done.
      if (isOfConnection(error) && !this.closing) throw error;
      this.emit('error', error as Error);
      return NO_JOB;
    }
  }

  protected override async handleFailed(
    ...[error, job, token, mayFetch, span]: Parameters<Worker['handleFailed']>
  ): Promise<Job> {
    // Before BullMQ counts the attempt.
    const key = keyOf(job);
    const fail = () => super.handleFailed(error, job, token, this.unlessResting(mayFetch), span);
    // What is tried again anyway may be tried once more.
    const next = await (error instanceof UnrecoverableError ? fail() : this.store.lazily(fail));
    // Of what was put off this run has no entry; another may have.
    if (!(error instanceof DelayedError)) this.inHand.delete(key);
    return next;
  }

  /** Every look at the queue ends here, also the one that BullMQ takes with each job that ends. */
  protected override nextJobFromJobData(...args: Parameters<Worker['nextJobFromJobData']>): Promise<Job> {
    this.restsUntil = args[0] ? 0 : performance.now() + this.restMs;
    return super.nextJobFromJobData(...args);
  }

  private unlessResting(mayFetch: () => boolean = () => true): () => boolean {
    return () => performance.now() >= this.restsUntil && mayFetch();
  }
}

/** Whoever is at the job may put it off under a lock that is gone: that is done again, under the one that holds. */
async function join(begun: Promise<unknown>, job: Job, token: string): Promise<unknown> {
  try {
    return await begun;
  } catch (error) {
    if (error instanceof DelayedError)
      await job.moveToDelayed(Date.now() + PUT_OFF_MS, token).catch(() => undefined);
    throw error;
  }
}

/**
 * One run of one job: not the next attempt at it, and not another job that has its id, made after it was removed.
 * A stall is no attempt.
 */
function keyOf(job: Job): string {
  return `${job.id}@${job.timestamp}#${job.attemptsMade}`;
}

/** What BullMQ retries by itself. */
function isOfConnection(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === 'ECONNREFUSED' || message === 'Connection is closed.';
}
