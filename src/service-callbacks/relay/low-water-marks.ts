/** Priorities of the producer: 1 + ⌊log₂⌋ of a service's recent volume. */
const PRIORITIES = Array.from({ length: 24 }, (_, index) => index + 1);
/** A mark rests on a seq that was taken at least this long ago, ms: transactions commit out of order. */
const LAG_MS = 2_000;
/** The time between two reads from the beginning: a multiple of the duration of the last one, within bounds, ms. */
const WHOLE = { timesDuration: 200, atLeastMs: 1_000, atMostMs: 60_000 } as const;

/**
 * Where the relay begins to read, for each priority. While a transaction of the host stays open, PostgreSQL cannot
 * remove the rows that were taken, and a read from the beginning walks over all of them. A transaction that commits
 * more than two seconds after its insert may be below the mark, so from time to time everything is read.
 */
export class LowWaterMarks {
  /** The marks in use. */
  private marks = new Map<number, number>();
  /** Seqs that were taken before the current lag period; they become marks after it. */
  private recent = new Map<number, number>();
  /** Seqs that were taken in the current lag period. */
  private newest = new Map<number, number>();
  private newestSince = 0;
  private wholeAt = Number.NEGATIVE_INFINITY;
  private wholeMs = 0;

  /**
   * For each priority, the seq after which to read.
   * @param now monotonic ms
   */
  next(now: number): { readonly after: ReadonlyMap<number, number>; readonly isWhole: boolean } {
    if (now - this.newestSince > LAG_MS) {
      for (const [priority, seq] of this.recent) raise(this.marks, priority, seq);
      this.recent = this.newest;
      this.newest = new Map();
      this.newestSince = now;
    }
    const { timesDuration, atLeastMs, atMostMs } = WHOLE;
    // A process or a database that was stopped during a read makes its duration long.
    const pauseMs = Math.min(atMostMs, Math.max(atLeastMs, timesDuration * this.wholeMs));
    const isWhole = now - this.wholeAt >= pauseMs;
    return {
      after: new Map(PRIORITIES.map((priority) => [priority, isWhole ? 0 : (this.marks.get(priority) ?? 0)])),
      isWhole,
    };
  }

  /**
   * Notes what a read took.
   * @param now monotonic ms, at the end of the read
   * @param wholeMs its duration, if it read from the beginning
   */
  read(
    taken: readonly { readonly priority: number; readonly seq: number }[],
    now: number,
    wholeMs?: number,
  ): void {
    for (const { priority, seq } of taken) raise(this.newest, priority, seq);
    if (wholeMs === undefined) return;
    this.wholeAt = now;
    this.wholeMs = wholeMs;
  }
}

function raise(marks: Map<number, number>, priority: number, seq: number): void {
  marks.set(priority, Math.max(seq, marks.get(priority) ?? 0));
}
