interface Counts {
  queued: number;
  refused: number;
}

/** What a batch did for each run that its dead letters are of. */
export class ReplayTally {
  private readonly byRun = new Map<string, Counts>();

  /** @param runId null for a request from before there were runs */
  add(runId: string | null, outcome: keyof Counts): void {
    if (runId === null) return;
    const counts = this.byRun.get(runId) ?? { queued: 0, refused: 0 };
    counts[outcome] += 1;
    this.byRun.set(runId, counts);
  }

  /** In the order of the ids: two processes that count for the same runs wait, and never for each other. */
  get runs(): readonly (readonly [string, Readonly<Counts>])[] {
    return [...this.byRun].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}
