/** The count of a request, in the shape of `@nestjs/throttler`, which hosts of the module do not have. */
interface Count {
  readonly totalHits: number;
  /** Seconds. */
  readonly timeToExpire: number;
  readonly isBlocked: boolean;
  /** Seconds. */
  readonly timeToBlockExpire: number;
}

interface Window {
  hits: number;
  /** Unix milliseconds. */
  endsAt: number;
}

/** With more callers than this in one window, the oldest are forgotten: a flood of addresses takes no memory. */
const MAX_WINDOWS = 100_000;

/**
 * Counts requests in fixed windows, in constant time and space for each caller. The throttler's own storage remembers
 * every request, and at each request reads all of its caller: with a limit in the thousands that costs more than the
 * request. Around the end of a window, twice the limit may pass.
 */
export class FixedWindows {
  private readonly windows = new Map<string, Window>();

  /** @param ttl the length of a window, ms */
  increment(key: string, ttl: number, limit: number): Promise<Count> {
    const now = Date.now();
    const window = this.windowOf(key, now, ttl);
    window.hits += 1;
    const secondsLeft = Math.ceil((window.endsAt - now) / 1000);
    return Promise.resolve({
      totalHits: window.hits,
      timeToExpire: secondsLeft,
      isBlocked: window.hits > limit,
      timeToBlockExpire: secondsLeft,
    });
  }

  /** What has been counted in the window that runs. */
  hitsOf(key: string): number {
    const window = this.windows.get(key);
    return window !== undefined && window.endsAt > Date.now() ? window.hits : 0;
  }

  private windowOf(key: string, now: number, ttl: number): Window {
    const current = this.windows.get(key);
    if (current !== undefined && current.endsAt > now) return current;
    const next = { hits: 0, endsAt: now + ttl };
    // A new window goes to the end of the map: the first entry is the oldest.
    this.windows.delete(key);
    this.windows.set(key, next);
    if (this.windows.size > MAX_WINDOWS) this.forgetOldest();
    return next;
  }

  private forgetOldest(): void {
    const [oldest] = this.windows.keys();
    if (oldest !== undefined) this.windows.delete(oldest);
  }
}
