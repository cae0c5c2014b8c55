/** How many deferred callbacks may fall due a second, per process, over all endpoints. */
const WAKE_UPS_PER_SECOND = 100;
/** How much later than it might the first of a line comes back at most, ms: it is also what finds out. */
const MAX_SPREAD_MS = 500;
/** How often lines whose last has come back are taken away, ms: looking through them is not free. */
const TIDY_MS = 250;

/**
 * When deferred callbacks come back: never many at once, however many there are behind however many
 * endpoints. Each endpoint has a line of its own, so that a few behind one do not wait for the thousands
 * behind another; the more lines there are, the wider each is spaced.
 */
export class DeferralSchedule {
  /** Per endpoint, when the last one in its line is due (Unix ms). */
  private readonly lastDue = new Map<string, number>();
  private tidiedAt = Number.NEGATIVE_INFINITY;

  /** @param random from [0, 1). */
  constructor(
    private readonly wakeUpsPerSecond = WAKE_UPS_PER_SECOND,
    private readonly random: () => number = Math.random,
  ) {}

  /** @param earliest Unix ms. @returns when this one is due, Unix ms. */
  next(key: string, earliest: number, now: number): number {
    this.forgetPast(now);
    const last = this.lastDue.get(key);
    const lines = this.lastDue.size + (last === undefined ? 1 : 0);
    const spacing = (1_000 * lines) / this.wakeUpsPerSecond;
    // A hundred circuits that opened together close together: their lines must not move in step.
    const own = earliest + this.random() * Math.min(spacing, MAX_SPREAD_MS);
    const due = last === undefined ? own : Math.max(own, last + spacing);
    this.lastDue.set(key, due);
    return Math.ceil(due);
  }

  private forgetPast(now: number): void {
    if (now - this.tidiedAt < TIDY_MS) return;
    this.tidiedAt = now;
    for (const [key, due] of this.lastDue) if (due < now) this.lastDue.delete(key);
  }
}
