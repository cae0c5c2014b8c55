import type { Speed } from './latency.js';

/** The shares of a pool that are kept for endpoints known to respond quickly, and for an endpoint's first attempt. */
const RESERVE = { forQuick: 1 / 4, forFirst: 1 / 16 } as const;

/**
 * The attempts one processor may hold at once, waiting ones included, and who holds them.
 *
 * A quick endpoint may use all free slots. Any other endpoint must leave a reserve for quick ones and, if it holds a
 * slot already, one for first attempts. A slow endpoint must leave as many more as it holds itself (the dynamic
 * threshold of Choudhury and Hahne, 1998): slow endpoints share evenly and never hold all slots.
 */
export class Slots {
  private held = 0;
  private readonly heldBy = new Map<string, number>();
  private readonly forQuick: number;
  private readonly forFirst: number;

  /** @param capacity attempts, at least 1. */
  constructor(private readonly capacity: number) {
    this.forQuick = Math.floor(capacity * RESERVE.forQuick);
    this.forFirst = Math.ceil(capacity * RESERVE.forFirst);
  }

  get inUse(): number {
    return this.held;
  }

  hasRoomFor(key: string, speed: Speed): boolean {
    return this.capacity - this.held > this.mustStayFree(speed, this.heldBy.get(key) ?? 0);
  }

  private mustStayFree(speed: Speed, holds: number): number {
    if (speed === 'quick') return 0;
    if (holds === 0) return this.forQuick;
    return this.forQuick + this.forFirst + (speed === 'slow' ? holds : 0);
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
