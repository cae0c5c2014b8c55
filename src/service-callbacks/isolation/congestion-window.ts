import type { Failure } from './circuit.js';

/**
 * How many attempts an endpoint may have in flight: halved by each failure, one after a timeout (as a congestion
 * window is: RFC 5681, section 3.1), one more for each success (so doubled within one round trip), never past the
 * limit. After an outage it begins at one: a server that comes back is not knocked over by its own backlog.
 */
export class CongestionWindow {
  private current: number;

  /** @param limit `CALLBACK_ENDPOINT_CONCURRENCY`, at least 1. */
  constructor(private readonly limit: number) {
    this.current = limit;
  }

  get size(): number {
    return this.current;
  }

  succeeded(): void {
    this.current = Math.min(this.limit, this.current + 1);
  }

  failed(how: Failure): void {
    this.current = how === 'timed_out' ? 1 : Math.max(1, Math.floor(this.current / 2));
  }

  recovered(): void {
    this.current = 1;
  }

  get isPristine(): boolean {
    return this.current === this.limit;
  }
}
