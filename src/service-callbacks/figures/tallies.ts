import { observe } from './histogram.js';

/** Sums of one span of time, for one service or one endpoint. */
export interface Tally {
  readonly id: string;
  readonly serviceId: string;
  /** Start of the span, Unix ms. */
  readonly at: number;
  delivered: number;
  failed: number;
  deferred: number;
  givenUp: number;
  /** A histogram of the observed durations; see `observe`. */
  readonly histogram: number[];
}

export type Counted = 'delivered' | 'failed' | 'deferred' | 'givenUp';

/**
 * Sums by id and span until they are taken. There is one entry for each, because a statement can write a row only once.
 */
export class SpanTallies {
  /** The latest span of each id. */
  private current = new Map<string, Tally>();
  /** Earlier spans: attempts that began in them still count there. */
  private earlier = new Map<string, Tally>();

  /** @param max the most entries; what does not fit goes to `onDropped` */
  constructor(
    private readonly spanMs: number,
    private readonly max: number,
    private readonly onDropped: () => void,
  ) {}

  count(what: Counted, id: string, serviceId: string, now: number): void {
    const tally = this.of(id, serviceId, now);
    if (tally) tally[what] += 1;
  }

  observe(durationMs: number, id: string, serviceId: string, now: number): void {
    const tally = this.of(id, serviceId, now);
    if (tally) observe(tally.histogram, durationMs);
  }

  take(): Tally[] {
    const taken = [...this.earlier.values(), ...this.current.values()];
    this.current = new Map();
    this.earlier = new Map();
    return taken;
  }

  private of(id: string, serviceId: string, now: number): Tally | undefined {
    const at = now - (now % this.spanMs);
    const current = this.current.get(id);
    if (current?.at === at) return current;
    const earlier = this.earlier.get(keyOf(id, at));
    if (earlier) return earlier;
    if (this.current.size + this.earlier.size >= this.max) {
      this.onDropped();
      return undefined;
    }
    const tally = { id, serviceId, at, delivered: 0, failed: 0, deferred: 0, givenUp: 0, histogram: [] };
    if (current && current.at > at) {
      this.earlier.set(keyOf(id, at), tally);
      return tally;
    }
    if (current) this.earlier.set(keyOf(id, current.at), current);
    this.current.set(id, tally);
    return tally;
  }
}

function keyOf(id: string, at: number): string {
  return `${at} ${id}`;
}
