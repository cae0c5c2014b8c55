/** The quickest response of this period (ms) and of the one before is remembered. */
const PERIOD_MS = 1_000;
/** An endpoint is slow if it takes this many times the quickest response. */
const TIMES_QUICKEST = 4;

export interface SlowThresholdOptions {
  /** A response within this is never slow, ms. */
  readonly slowAfterMs: number;
  /** One that takes longer always is, ms. */
  readonly alwaysSlowAfterMs: number;
}

/**
 * The latency above which an endpoint is slow. If this process is short of CPU, every response takes long and no
 * endpoint is to blame: the threshold follows the quickest recent response of any endpoint.
 */
export class SlowThreshold {
  private period = 0;
  private quickest = Number.POSITIVE_INFINITY;
  private quickestBefore = Number.POSITIVE_INFINITY;

  constructor(private readonly options: SlowThresholdOptions) {}

  /** @param durationMs of an attempt that got a response. */
  note(durationMs: number, now: number): void {
    this.turn(now);
    this.quickest = Math.min(this.quickest, durationMs);
  }

  /** ms. */
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
