import type { Failure } from './circuit.js';

/**
 * The most attempts that an endpoint may have in flight. It is halved by each failure, and is one after a timeout (RFC
 * 5681, section 3.1). Each success adds one, so it doubles in a round trip, up to the limit. After an outage it begins
 * at one, so that an endpoint that returns is not flooded by its own backlog.
 */
export class CongestionWindow {
  private current: number;

  /** @param limit `CALLBACK_ENDPOINT_CONCURRENCY`, at least 1 */
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
