import type { Speed } from './latency.js';

/** Shares of a pool: one for quick endpoints, one for first attempts of endpoints without a permit. */
const RESERVE = { forQuick: 1 / 4, forFirst: 1 / 16 } as const;

/**
 * The permits of a pool, and which endpoints hold them. An attempt that waits for its endpoint's window holds one too.
 *
 * A quick endpoint may use all free permits. Any other endpoint must leave a reserve for quick endpoints and, if it
 * already holds a permit, a reserve for first attempts. A slow endpoint must also leave as many permits free as it
 * holds itself (the dynamic threshold of Choudhury and Hahne, 1998). So slow endpoints share evenly, and never hold
 * all permits.
 */
export class Permits {
  private held = 0;
  private readonly heldBy = new Map<string, number>();
  private readonly forQuick: number;
  private readonly forFirst: number;

  /** @param capacity permits, at least 1 */
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

  release(key: string): void {
    this.held -= 1;
    const left = (this.heldBy.get(key) ?? 1) - 1;
    if (left > 0) this.heldBy.set(key, left);
    else this.heldBy.delete(key);
  }
}
