/** Lets so many through at a time; the others wait their turn, first come first served. */
export class Turnstile {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  /**
   * @param places at least 1.
   * @param patienceMs whoever has waited so long goes without a place; where nothing is said all wait for their turn
   */
  constructor(
    private places: number,
    private readonly patienceMs?: number,
  ) {}

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside < this.places) this.inside += 1;
    else await this.turn();
    try {
      return await work();
    } finally {
      // The place goes from hand to hand: a newcomer cannot slip in between.
      const next = this.inside <= this.places ? this.waiting.shift() : undefined;
      if (next) next();
      else this.inside -= 1;
    }
  }

  /** From now on nobody waits. */
  open(): void {
    this.places = Number.POSITIVE_INFINITY;
    for (const next of this.waiting.splice(0)) {
      this.inside += 1;
      next();
    }
  }

  private turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.push(resolve);
    if (this.patienceMs === undefined) return promise;
    const timer = setTimeout(() => {
      this.waiting.splice(this.waiting.indexOf(resolve), 1);
      this.inside += 1;
      resolve();
    }, this.patienceMs);
    return promise.finally(() => clearTimeout(timer));
  }
}
