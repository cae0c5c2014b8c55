/** A mark rests on a position that was taken at least this long ago, ms: transactions commit out of order. */
const LAG_MS = 2_000;
/** The time between two reads from the beginning: a multiple of the duration of the last one, within bounds, ms. */
const WHOLE = { timesDuration: 200, atLeastMs: 1_000, atMostMs: 60_000 } as const;

/** A place in a line of callbacks: the seq of a pending one of a priority, or the time since which one is due. */
export interface Place {
  readonly line: number;
  readonly position: number;
}

/** One read of all lines. */
export interface Reading {
  /** For each line, the position from which to read. */
  readonly from: ReadonlyMap<number, number>;
  /**
   * @param taken what it took
   * @param limit the most it could take
   * @param now monotonic ms
   */
  end(taken: readonly Place[], limit: number, now: number): void;
}

/**
 * Where the relay begins to read each line. While a transaction of the host stays open, PostgreSQL cannot remove the
 * rows that were taken, and a read from the beginning walks over all of them. What commits more than two seconds after
 * its insert may be below the mark, so from time to time everything is read.
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

  constructor(private readonly lines: readonly number[]) {}

  /** @param now monotonic ms */
  begin(now: number): Reading {
    if (now - this.newestSince > LAG_MS) {
      for (const [line, position] of this.recent) raise(this.marks, line, position);
      this.recent = this.newest;
      this.newest = new Map();
      this.newestSince = now;
    }
    const { timesDuration, atLeastMs, atMostMs } = WHOLE;
    // A process or a database that was stopped during a read makes its duration long.
    const pauseMs = Math.min(atMostMs, Math.max(atLeastMs, timesDuration * this.wholeMs));
    const isWhole = now - this.wholeAt >= pauseMs;
    return {
      from: new Map(this.lines.map((line) => [line, isWhole ? 0 : this.markOf(line)])),
      end: (taken, limit, endedAt) => {
        for (const { line, position } of taken) raise(this.newest, line, position);
        const mayLeaveSome =
          taken.length >= limit && taken.some(({ line, position }) => position < this.markOf(line));
        // Such a read stays due until it has taken everything below the marks.
        if (!isWhole || limit === 0 || mayLeaveSome) return;
        this.wholeAt = endedAt;
        this.wholeMs = endedAt - now;
      },
    };
  }

  private markOf(line: number): number {
    return this.marks.get(line) ?? 0;
  }
}

function raise(marks: Map<number, number>, line: number, position: number): void {
  marks.set(line, Math.max(position, marks.get(line) ?? 0));
}
