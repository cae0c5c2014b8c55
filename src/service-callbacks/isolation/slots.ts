/** The share of a pool for endpoints known to answer quickly, and the share for an endpoint's first attempt. */
const RESERVE = 1 / 16;

/**
 * The attempts one processor may hold at once, waiting ones included, and who holds them.
 *
 * An endpoint known to answer quickly may use what is free. Any other leaves free a reserve for those, one
 * for newcomers, and as much again as it holds itself (the dynamic threshold of Choudhury and Hahne, 1998):
 * one alone may take nearly half, a hundred that hang at the same moment share what one would have had, a
 * newcomer still gets in, and quick ones always find room.
 */
export class Slots {
  private held = 0;
  private readonly heldBy = new Map<string, number>();
  private readonly reserve: number;

  /** @param capacity attempts, at least 1. */
  constructor(private readonly capacity: number) {
    this.reserve = Math.floor(capacity * RESERVE);
  }

  get inUse(): number {
    return this.held;
  }

  hasRoomFor(key: string, isQuick: boolean): boolean {
    return this.capacity - this.held > (isQuick ? 0 : this.mustStayFree(this.heldBy.get(key) ?? 0));
  }

  private mustStayFree(holds: number): number {
    return holds === 0 ? this.reserve : 2 * this.reserve + holds;
  }

  take(key: string): void {
    this.held += 1;
    this.heldBy.set(key, (this.heldBy.get(key) ?? 0) + 1);
  }

  giveBack(key: string): void {
    this.held -= 1;
    const left = (this.heldBy.get(key) ?? 1) - 1;
    if (left > 0) this.heldBy.set(key, left);
    else this.heldBy.delete(key);
  }
}
