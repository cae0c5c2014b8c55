import type { QueueBackend, QueuedJob, WaitingJobs } from '../queues/queue-backend.js';

/** How long a job may wait in a queue, ms. A longer queue would fix the order too early: the database decides it. */
const TARGET_MS = 250;
/** The most callbacks that may wait, and how many at the start. */
const MAX_WINDOW = 4_096;
const FIRST_WINDOW = 1_024;
/** Up to this share of the window, the queue is measured only now and then, and the window stays as it is. */
const LITTLE = 1 / 4;
/**
 * The time between two such measurements: a multiple of the duration of the last one, within bounds, ms. Beside a long
 * transaction of the host a count walks over the dead rows of the queue.
 */
const BETWEEN_MEASUREMENTS = { timesDuration: 20, atLeastMs: 100, atMostMs: 1_000 } as const;
/** How long jobs that go first may keep all others from being fetched, ms. */
const MAX_STANDSTILL_MS = 1_000;

/**
 * Decides how many callbacks may be added to a queue now. The window follows the rate at which jobs are fetched: it
 * doubles while the queue runs empty, and otherwise shrinks to what is fetched in a quarter of a second. Jobs that a
 * worker has fetched do not count.
 */
export class QueueDepth {
  private window = FIRST_WINDOW;
  private waiting: WaitingJobs = { first: 0, later: 0 };
  private added: readonly Pick<QueuedJob, 'goesFirst'>[] = [];
  private measuredAt: number;
  private measuringMs = 0;
  /** When a job that does not go first was last fetched, or none of these waited. */
  private movedAt: number;

  constructor(
    private readonly backend: Pick<QueueBackend, 'waitingJobs'>,
    private readonly queue: string,
    private readonly batchSize: number,
    private readonly now: () => number,
  ) {
    this.measuredAt = now();
    this.movedAt = this.measuredAt;
  }

  /** Callbacks that may be added, a whole number from 0. */
  get room(): number {
    const { first, later } = this.assumed;
    return this.roomBeside(first + later);
  }

  /** The same for callbacks whose jobs go first: the other jobs do not count. */
  get roomForFirst(): number {
    const { first, later } = this.assumed;
    const isStanding = later > 0 && this.now() - this.movedAt > MAX_STANDSTILL_MS;
    return isStanding ? this.room : this.roomBeside(first);
  }

  add(jobs: readonly Pick<QueuedJob, 'goesFirst'>[]): void {
    if (this.assumed.later === 0) this.movedAt = this.now();
    this.added = [...this.added, ...jobs];
  }

  /**
   * Measures the queue if that may change the window. It runs after a round, so that a lone callback does not wait for
   * it.
   */
  async update(): Promise<void> {
    const { first, later } = this.assumed;
    const { timesDuration, atLeastMs, atMostMs } = BETWEEN_MEASUREMENTS;
    const pauseMs = Math.min(atMostMs, Math.max(atLeastMs, timesDuration * this.measuringMs));
    const isStale = first + later > 0 && this.now() - this.measuredAt >= pauseMs;
    // Jobs may have been fetched since, and other processes may have added some.
    if (isStale || this.room < (1 - LITTLE) * this.window) await this.measure();
  }

  /** As if nothing had been fetched since the last measurement. */
  private get assumed(): WaitingJobs {
    const first = this.added.filter(({ goesFirst }) => goesFirst).length;
    return { first: this.waiting.first + first, later: this.waiting.later + this.added.length - first };
  }

  private roomBeside(jobs: number): number {
    return Math.max(0, Math.ceil(this.window) - jobs * this.batchSize);
  }

  private async measure(): Promise<void> {
    const before = this.assumed;
    const startedAt = this.now();
    const waiting = await this.backend.waitingJobs(this.queue);
    const at = this.now();
    this.measuringMs = at - startedAt;
    const total = waiting.first + waiting.later;
    const fetched = Math.max(0, before.first + before.later - total) * this.batchSize;
    const perTarget = (fetched / Math.max(1, at - this.measuredAt)) * TARGET_MS;
    if (total === 0) this.window = Math.min(MAX_WINDOW, this.window * 2);
    else if (total * this.batchSize > LITTLE * this.window)
      this.window = Math.min(MAX_WINDOW, Math.max(this.batchSize, (this.window + perTarget) / 2));
    if (waiting.later === 0 || waiting.later < before.later) this.movedAt = at;
    this.waiting = waiting;
    this.added = [];
    this.measuredAt = at;
  }
}
