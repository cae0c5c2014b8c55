import { Worker, type Job, type JobJson } from 'bullmq';

/** Stands in for data that is not JSON: no shape of ours, so the reader calls it unreadable. */
const NOT_JSON = JSON.stringify({ not_json: true });

/**
 * BullMQ parses a job before its processor sees it, and one that does not parse would stay active, stall
 * and come back for ever. Here it reaches the processor, which gives it up by name.
 */
export class TolerantWorker extends Worker {
  protected override createJob(json: JobJson, jobId: string): Job {
    try {
      return super.createJob(json, jobId);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return super.createJob({ ...json, data: NOT_JSON }, jobId);
    }
  }
}
