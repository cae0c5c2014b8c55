import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, type BackendFactory, type Job, type JobJson, type WorkerOptions } from 'bullmq';

/** Replaces data that is not JSON. It has the shape of no job. */
const NOT_JSON = JSON.stringify({ not_json: true });

/** The longest wait for a job, s. On PostgreSQL, one failed check lets an idle worker of BullMQ sleep for an hour. */
const MAX_BLOCK_S = 5;

/** The return value of BullMQ's method without a job, whatever its type says. */
const NO_JOB = undefined as unknown as Job;

/** The delay between two fetches while the store responds with errors, ms. */
const FETCH_RETRY_MS = 500;

/** BullMQ's worker as `FetchLoop` uses it: jobs are fetched by hand, and BullMQ runs no processor. */
export class FetchingWorker extends Worker {
  constructor(name: string, options: WorkerOptions, factory: BackendFactory) {
    super(name, undefined, options, factory as never);
  }

  override get maximumBlockTimeout(): number {
    return Math.min(super.maximumBlockTimeout, MAX_BLOCK_S);
  }

  /** Ends the wait for a job. Otherwise a lost connection to Redis would be waited for without limit. */
  async interrupt(): Promise<void> {
    await this.backend.disconnectBlocking(false);
  }

  /**
   * BullMQ parses a job before other code gets it. Invalid JSON would stay active, stall and return forever. Here it
   * reaches the processor, which gives it up.
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
   * A worker of BullMQ that is paused while it waits takes one more job, and fetches again at once after an error. This
   * prevents both.
   */
  protected override async moveToActive(token: string, name?: string): Promise<Job> {
    if (this.isPaused()) return NO_JOB;
    try {
      return await super.moveToActive(token, name);
    } catch (error) {
      if (!this.closing) await sleep(FETCH_RETRY_MS);
      throw error;
    }
  }
}
