/** Lets so many through at a time; the others wait their turn, first come first served. */
export class Turnstile {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param places at least 1. */
  constructor(private places: number) {}

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside < this.places) this.inside += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The place goes from hand to hand: a newcomer cannot slip in between.
      const next = this.waiting.shift();
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
}
