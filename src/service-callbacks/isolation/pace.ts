import type { PaceLimit } from './pace-limit.js';

/** How long an endpoint holds what it is given: not known yet, not long, long. */
export type Pace = 'unknown' | 'quick' | 'slow';

/** The weight of the latest answer. */
const WEIGHT = 0.2;

/** An endpoint's pace, from how long its attempts took lately and from its silence. */
export class PaceMeter {
  private usualMs: number | undefined;
  private lastEndAt = Number.NEGATIVE_INFINITY;
  private silent = false;

  constructor(private readonly limit: PaceLimit) {}

  /** An attempt ended, with an answer or without. */
  ended(durationMs: number, now: number): void {
    this.usualMs =
      this.usualMs === undefined ? durationMs : this.usualMs + WEIGHT * (durationMs - this.usualMs);
    this.lastEndAt = now;
    this.silent = false;
  }

  /** Nothing has come for longer than the limit, though something is asked for: one unlucky attempt is not that. */
  review(oldestStart: number | undefined, now: number): void {
    if (oldestStart === undefined) return;
    const limit = this.limit.current(now);
    this.silent = now - oldestStart >= limit && now - this.lastEndAt >= limit;
  }

  /** As of the last review. */
  get isSilent(): boolean {
    return this.silent;
  }

  current(now: number): Pace {
    if (this.silent) return 'slow';
    if (this.usualMs === undefined) return 'unknown';
    return this.usualMs <= this.limit.current(now) ? 'quick' : 'slow';
  }
}
