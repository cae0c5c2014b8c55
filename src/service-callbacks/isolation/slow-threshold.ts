/** The period, ms: the quickest response of this period and of the one before is remembered. */
const PERIOD_MS = 1_000;
/** How many times slower than the quickest response a slow endpoint is. */
const TIMES_QUICKEST = 4;

export interface SlowThresholdOptions {
  /** A response within this time is never slow, ms. */
  readonly slowAfterMs: number;
  /** A response after this time is always slow, ms. */
  readonly alwaysSlowAfterMs: number;
}

/**
 * The latency from which on an endpoint is slow. It follows the quickest recent response of any endpoint: if this
 * process is short of CPU, all responses take long, and that is no endpoint's fault.
 */
export class SlowThreshold {
  private period = 0;
  private quickest = Number.POSITIVE_INFINITY;
  private quickestBefore = Number.POSITIVE_INFINITY;

  constructor(private readonly options: SlowThresholdOptions) {}

  /** @param durationMs of an attempt with a response */
  note(durationMs: number, now: number): void {
    this.turn(now);
    this.quickest = Math.min(this.quickest, durationMs);
  }

  /** The threshold, ms. */
  current(now: number): number {
    this.turn(now);
    const quickest = Math.min(this.quickest, this.quickestBefore);
    const { slowAfterMs, alwaysSlowAfterMs } = this.options;
    if (quickest === Number.POSITIVE_INFINITY) return slowAfterMs;
    return Math.min(alwaysSlowAfterMs, Math.max(slowAfterMs, TIMES_QUICKEST * quickest));
  }

  private turn(now: number): void {
    const period = Math.floor(now / PERIOD_MS);
    if (period === this.period) return;
    this.quickestBefore = period === this.period + 1 ? this.quickest : Number.POSITIVE_INFINITY;
    this.quickest = Number.POSITIVE_INFINITY;
    this.period = period;
  }
}
