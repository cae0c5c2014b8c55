import type { PaceLimit } from './pace-limit.js';

/** How long an endpoint holds what it is given: not known yet, not long, long. */
export type Pace = 'unknown' | 'quick' | 'slow';

/** The weight of the latest answer. */
const WEIGHT = 0.2;

/** An endpoint's pace, from how long its attempts took lately and from its silence. */
export class PaceMeter {
  private usualMs: number | undefined;
  private lastEndAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly limit: PaceLimit) {}

  /** An attempt ended, with an answer or without. */
  ended(durationMs: number, now: number): void {
    this.usualMs =
      this.usualMs === undefined ? durationMs : this.usualMs + WEIGHT * (durationMs - this.usualMs);
    this.lastEndAt = now;
  }

  /**
   * Nothing has come for longer than the limit, though something is asked for: one unlucky attempt is not that.
   * @param since start of an attempt in flight, Unix ms
   */
  isSilent(now: number, since?: number): boolean {
    const limit = this.limit.current(now);
    return since !== undefined && now - since >= limit && now - this.lastEndAt >= limit;
  }

  current(now: number, oldestStart?: number): Pace {
    if (this.isSilent(now, oldestStart)) return 'slow';
    if (this.usualMs === undefined) return 'unknown';
    return this.usualMs <= this.limit.current(now) ? 'quick' : 'slow';
  }
}
