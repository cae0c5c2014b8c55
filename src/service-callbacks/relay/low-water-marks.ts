/** A mark rests on a position that was taken at least this long ago, ms: transactions commit out of order. */
const LAG_MS = 2_000;
/** The time between two reads from the beginning: a multiple of the duration of the last one, within bounds, ms. */
const WHOLE = { timesDuration: 200, atLeastMs: 1_000, atMostMs: 60_000 } as const;

/** Where a callback was that a read has taken. */
export interface Position {
  /** What has a mark of its own: a priority, or all due callbacks. */
  readonly key: number;
  /** A seq, or a time. */
  readonly position: number;
}

export interface Reading {
  /** For each key, the position from which to read. */
  readonly from: ReadonlyMap<number, number>;
  /**
   * @param taken the callbacks it took
   * @param limit the most it could take; a full take has at least half of it
   * @param now monotonic ms
   */
  end(taken: readonly Position[], limit: number, now: number): void;
}

/**
 * Where the relay begins to read. While a transaction of the host stays open, PostgreSQL cannot remove the rows that
 * were taken, and a read from the beginning walks over all of them. What commits more than two seconds after its insert
 * may be below the mark, so from time to time a read is from the beginning.
 */
export class LowWaterMarks {
  /** The marks in use. */
  private marks = new Map<number, number>();
  /** Positions that were taken before the current lag period; they become marks after it. */
  private recent = new Map<number, number>();
  /** Positions that were taken in the current lag period. */
  private newest = new Map<number, number>();
  private newestSince = 0;
  private wholeAt = Number.NEGATIVE_INFINITY;
  private wholeMs = 0;

  constructor(private readonly keys: readonly number[]) {}

  /** @param now monotonic ms */
  begin(now: number): Reading {
    if (now - this.newestSince > LAG_MS) {
      for (const [key, position] of this.recent) raise(this.marks, key, position);
      this.recent = this.newest;
      this.newest = new Map();
      this.newestSince = now;
    }
    const { timesDuration, atLeastMs, atMostMs } = WHOLE;
    // A process or a database that was stopped during a read makes its duration long.
    const pauseMs = Math.min(atMostMs, Math.max(atLeastMs, timesDuration * this.wholeMs));
    const isWhole = now - this.wholeAt >= pauseMs;
    return {
      from: new Map(this.keys.map((key) => [key, isWhole ? 0 : this.markOf(key)])),
      end: (taken, limit, endedAt) => {
        for (const { key, position } of taken) raise(this.newest, key, position);
        const mayLeaveSome =
          taken.length >= limit / 2 && taken.some(({ key, position }) => position < this.markOf(key));
        // A read from the beginning stays due until one has taken all that is below the marks.
        if (!isWhole || limit === 0 || mayLeaveSome) return;
        this.wholeAt = endedAt;
        this.wholeMs = endedAt - now;
      },
    };
  }

  private markOf(key: number): number {
    return this.marks.get(key) ?? 0;
  }
}

function raise(marks: Map<number, number>, key: number, position: number): void {
  marks.set(key, Math.max(position, marks.get(key) ?? 0));
}
