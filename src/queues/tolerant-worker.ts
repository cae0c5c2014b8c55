import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, type Job, type JobJson } from 'bullmq';
import { UnfinishedError } from './unfinished.error.js';

/** Stands in for data that is not JSON: no shape of ours, so the reader calls it unreadable. */
const NOT_JSON = JSON.stringify({ not_json: true });

/** BullMQ lets an idle worker of a PostgreSQL queue sleep for an hour where a probe of its failed once, s. */
const MAX_BLOCK_S = 5;

/** What BullMQ's own method answers where there is none, whatever its type says. */
const NO_JOB = undefined as unknown as Job;

/** Between two tries to fetch from a store that answers with errors, ms. */
const FETCH_RETRY_MS = 500;

/** BullMQ's worker, save where it would lose, repeat, or spin. */
export class TolerantWorker extends Worker {
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
   * BullMQ lets a worker that is paused while it waits take one more job. And it asks again at once after an
   * error that is not the connection's: a full or read-only store, say.
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

  /** BullMQ would fail, and so repeat, a job whose work is done but whose completion was answered by an error. */
  protected override async handleCompleted(...args: Parameters<Worker['handleCompleted']>): Promise<Job> {
    try {
      return await super.handleCompleted(...args);
    } catch (error) {
      if (isOfConnection(error)) throw error;
      this.emit('error', error as Error);
      throw new UnfinishedError();
    }
  }
}

/** What BullMQ retries by itself. */
function isOfConnection(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === 'ECONNREFUSED' || message === 'Connection is closed.';
}
