import type { Speed } from './latency.js';

/** Shares of a pool: one for quick endpoints, one for first attempts of endpoints without a permit. */
const RESERVE = { forQuick: 1 / 4, forFirst: 1 / 16 } as const;

/**
 * The permits of a pool, and which endpoints use them. An attempt that waits for its endpoint's window uses one too.
 *
 * A quick endpoint may use all free permits except a reserve for first attempts of others. Any other endpoint must also
 * leave a reserve for quick endpoints. A slow endpoint must also leave as many permits free as it uses itself (the
 * dynamic threshold of Choudhury and Hahne, 1998). So slow endpoints share evenly, and never use all permits.
 */
export class Permits {
  private used = 0;
  private usedByQuick = 0;
  private readonly usedBy = new Map<string, { count: number; isQuick: boolean }>();
  private readonly forQuick: number;
  private readonly forFirst: number;

  /** @param capacity permits, at least 1 */
  constructor(private readonly capacity: number) {
    this.forQuick = Math.floor(capacity * RESERVE.forQuick);
    this.forFirst = capacity * RESERVE.forFirst;
  }

  get inUse(): number {
    return this.used;
  }

  hasRoomFor(key: string, speed: Speed): boolean {
    const free = this.capacity - this.used;
    const own = this.usedBy.get(key)?.count ?? 0;
    if (speed === 'quick') return free > (own > 0 ? Math.floor(this.forFirst) : 0);
    // Its first attempt: what quick endpoints use does not count against it.
    if (own === 0) return free > 0 && free + this.usedByQuick > this.forQuick;
    return free > this.forQuick + Math.ceil(this.forFirst) + (speed === 'slow' ? own : 0);
  }

  /** @param isQuick of the endpoint at this moment */
  take(key: string, isQuick: boolean): void {
    this.change(key, (this.usedBy.get(key)?.count ?? 0) + 1, isQuick);
  }

  release(key: string): void {
    const { count, isQuick } = this.usedBy.get(key) ?? { count: 1, isQuick: false };
    this.change(key, count - 1, isQuick);
  }

  /** The speed of an endpoint as it is now. */
  update(key: string, isQuick: boolean): void {
    this.change(key, this.usedBy.get(key)?.count ?? 0, isQuick);
  }

  private change(key: string, count: number, isQuick: boolean): void {
    const before = this.usedBy.get(key);
    this.used += count - (before?.count ?? 0);
    this.usedByQuick += (isQuick ? count : 0) - (before?.isQuick ? before.count : 0);
    if (count > 0) this.usedBy.set(key, { count, isQuick });
    else this.usedBy.delete(key);
  }
}
