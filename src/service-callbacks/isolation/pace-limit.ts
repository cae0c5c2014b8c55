/** How long the quickest answer is remembered, ms: this period and the one before. */
const PERIOD_MS = 1_000;
/** How many times the quickest answer an endpoint may take before it is slow. */
const TIMES_QUICKEST = 4;

export interface PaceOptions {
  /** An answer within this is never slow, ms. */
  readonly slowAfterMs: number;
  /** One that takes longer always is, ms. */
  readonly alwaysSlowAfterMs: number;
}

/**
 * When an endpoint is slow. Where this process itself is short of CPU every answer takes long, and none of
 * the endpoints is to blame: the limit moves with the quickest answer any of them gave lately.
 */
export class PaceLimit {
  private period = 0;
  private quickest = Number.POSITIVE_INFINITY;
  private quickestBefore = Number.POSITIVE_INFINITY;

  constructor(private readonly options: PaceOptions) {}

  /** @param durationMs of an attempt that was answered. */
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
