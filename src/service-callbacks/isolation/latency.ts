import type { SlowThreshold } from './slow-threshold.js';

/** How fast an endpoint responds; `unknown` before its first result. */
export type Speed = 'unknown' | 'quick' | 'slow';

/** The weight of the latest attempt in the moving average. */
const WEIGHT = 0.2;

/** Measures an endpoint's latency: a moving average of its attempts, and attempts that are overdue. */
export class LatencyMeter {
  private averageMs: number | undefined;
  private lastEndAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly threshold: SlowThreshold) {}

  /** An attempt ended, with or without a response. */
  ended(durationMs: number, now: number): void {
    this.averageMs =
      this.averageMs === undefined ? durationMs : this.averageMs + WEIGHT * (durationMs - this.averageMs);
    this.lastEndAt = now;
  }

  /**
   * Whether no attempt has ended for longer than the threshold, while one in flight is older than the threshold.
   * @param since the start of an attempt in flight, Unix ms
   */
  isOverdue(now: number, since?: number): boolean {
    const threshold = this.threshold.current(now);
    return since !== undefined && now - since >= threshold && now - this.lastEndAt >= threshold;
  }

  current(now: number, oldestStart?: number): Speed {
    if (this.isOverdue(now, oldestStart)) return 'slow';
    if (this.averageMs === undefined) return 'unknown';
    return this.averageMs <= this.threshold.current(now) ? 'quick' : 'slow';
  }
}
