import type { QueueBackend } from '../queues/queue-backend.js';

/** How long waiting jobs of a queue may take to be fetched, ms: the order is decided late, in the database. */
const TARGET_MS = 250;
/** The most callbacks that may wait, and how many at the start. */
const MAX_WINDOW = 4_096;
const FIRST_WINDOW = 1_024;
/** The most jobs that are added without measuring the queue. */
const UNMEASURED_JOBS = 4;

/**
 * Decides how many callbacks may be added to a queue now. The window follows the rate at which jobs are fetched: it
 * doubles while the queue runs empty, and otherwise shrinks to what is fetched in a quarter of a second. Jobs that a
 * worker has fetched do not count.
 */
export class QueueDepth {
  private window = FIRST_WINDOW;
  private waitingJobs = 0;
  private addedJobs = 0;
  private measuredAt = performance.now();

  constructor(
    private readonly backend: Pick<QueueBackend, 'waitingCount'>,
    private readonly queue: string,
    private readonly batchSize: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Callbacks that may be added, a whole number from 0. */
  get room(): number {
    return Math.max(0, Math.ceil(this.window) - (this.waitingJobs + this.addedJobs) * this.batchSize);
  }

  added(jobs: number): void {
    this.addedJobs += jobs;
  }

  /**
   * Measures the queue if that may change the window. It runs after a round, so that a lone callback does not wait for
   * it.
   */
  async update(): Promise<void> {
    // A full queue is always measured: jobs may have been fetched since.
    if (this.waitingJobs > 0 || this.addedJobs >= UNMEASURED_JOBS || this.room === 0) await this.measure();
  }

  private async measure(): Promise<void> {
    const waiting = await this.backend.waitingCount(this.queue);
    const at = this.now();
    const fetched = Math.max(0, this.waitingJobs + this.addedJobs - waiting) * this.batchSize;
    const perTarget = (fetched / Math.max(1, at - this.measuredAt)) * TARGET_MS;
    this.window =
      waiting === 0
        ? Math.min(MAX_WINDOW, this.window * 2)
        : Math.min(MAX_WINDOW, Math.max(this.batchSize, (this.window + perTarget) / 2));
    this.waitingJobs = waiting;
    this.addedJobs = 0;
    this.measuredAt = at;
  }
}
