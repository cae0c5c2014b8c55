import { observe } from './histogram.js';

/** What happened in one span of time, to one service or one endpoint. */
export interface Tally {
  readonly id: string;
  readonly serviceId: string;
  /** Start of the span, Unix ms. */
  readonly at: number;
  delivered: number;
  failed: number;
  deferred: number;
  givenUp: number;
  /** Of the durations that were observed; see `observe`. */
  readonly histogram: number[];
}

export type Counted = 'delivered' | 'failed' | 'deferred' | 'givenUp';

/** Sums by id and span until they are taken, one for each: a statement may write a row of the database once. */
export class SpanTallies {
  /** By id: of the latest span. */
  private current = new Map<string, Tally>();
  /** Those of earlier spans, which attempts that began in them still count to. */
  private earlier = new Map<string, Tally>();

  /** @param max how many are held; what does not fit goes to `onDropped` */
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
