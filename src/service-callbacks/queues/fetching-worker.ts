import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, type BackendFactory, type Job, type JobJson, type WorkerOptions } from 'bullmq';

/** Stands in for data that is not JSON: it has the shape of no job. */
const NOT_JSON = JSON.stringify({ not_json: true });

/** BullMQ lets an idle worker of a PostgreSQL queue sleep for an hour after one failed probe, s. */
const MAX_BLOCK_S = 5;

/** What BullMQ's own method returns where there is no job, whatever its type says. */
const NO_JOB = undefined as unknown as Job;

/** Between two fetches from a store that responds with errors, ms. */
const FETCH_RETRY_MS = 500;

/** BullMQ's worker as `FetchLoop` uses it: jobs are fetched by hand, no processor runs. */
export class FetchingWorker extends Worker {
  constructor(name: string, options: WorkerOptions, factory: BackendFactory) {
    super(name, undefined, options, factory as never);
  }

  override get maximumBlockTimeout(): number {
    return Math.min(super.maximumBlockTimeout, MAX_BLOCK_S);
  }

  /** Ends the wait for a job. A connection to Redis that is lost already would be waited for without end. */
  async interrupt(): Promise<void> {
    await this.backend.disconnectBlocking(false);
  }

  /**
   * BullMQ parses a job before anybody sees it. One that does not parse would stay active, stall and come back for
   * ever; here it reaches the processor, which gives it up.
   */
  protected override createJob(json: JobJson, jobId: string): Job {
    try {
      return super.createJob(json, jobId);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return super.createJob({ ...json, data: NOT_JSON }, jobId);
    }
  }

  /** BullMQ lets a worker that is paused while it waits take one more job, and fetches again at once after an error. */
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
