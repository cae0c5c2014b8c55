import type { Pace } from './pace.js';

/** The share of a pool that is kept for endpoints known to answer quickly, and for an endpoint's first attempt. */
const RESERVE = { forQuick: 1 / 4, forNewcomers: 1 / 16 } as const;

/**
 * The attempts one processor may hold at once, waiting ones included, and who holds them.
 *
 * A quick endpoint may use what is free. Any other leaves a reserve for those, and unless this is its only
 * attempt one for newcomers; a slow one as much again as it holds itself (the dynamic threshold of
 * Choudhury and Hahne, 1998), so that however many are slow they share evenly and never have it all.
 */
export class Slots {
  private held = 0;
  private readonly heldBy = new Map<string, number>();
  private readonly forQuick: number;
  private readonly forNewcomers: number;

  /** @param capacity attempts, at least 1. */
  constructor(private readonly capacity: number) {
    this.forQuick = Math.floor(capacity * RESERVE.forQuick);
    this.forNewcomers = Math.ceil(capacity * RESERVE.forNewcomers);
  }

  get inUse(): number {
    return this.held;
  }

  hasRoomFor(key: string, pace: Pace): boolean {
    return this.capacity - this.held > this.mustStayFree(pace, this.heldBy.get(key) ?? 0);
  }

  private mustStayFree(pace: Pace, holds: number): number {
    if (pace === 'quick') return 0;
    if (holds === 0) return this.forQuick;
    return this.forQuick + this.forNewcomers + (pace === 'slow' ? holds : 0);
  }

  take(key: string): void {
    this.held += 1;
    this.heldBy.set(key, (this.heldBy.get(key) ?? 0) + 1);
  }

  giveBack(key: string): void {
    this.held -= 1;
    const left = (this.heldBy.get(key) ?? 1) - 1;
    if (left > 0) this.heldBy.set(key, left);
    else this.heldBy.delete(key);
  }
}
