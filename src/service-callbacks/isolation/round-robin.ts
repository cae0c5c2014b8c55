/** A queue of many keys: each key in turn, the items of one key in the order in which they came. */
export class RoundRobin<Item> {
  /** In the order of their turns; none of them is empty. */
  private readonly byKey = new Map<string, Item[]>();

  has(key: string): boolean {
    return this.byKey.has(key);
  }

  add(key: string, item: Item): void {
    const items = this.byKey.get(key);
    if (items) items.push(item);
    else this.byKey.set(key, [item]);
  }

  /** The item whose turn it is. */
  get next(): Item | undefined {
    const [items] = this.byKey.values();
    return items?.[0];
  }

  /** Removes the item whose turn it is; its key's next turn comes after that of all others. */
  take(): Item | undefined {
    const [entry] = this.byKey;
    if (!entry) return undefined;
    const [key, items] = entry;
    const item = items.shift();
    this.byKey.delete(key);
    if (items.length > 0) this.byKey.set(key, items);
    return item;
  }

  /** Removes from each key its first items, up to one that does not meet the condition. */
  takeWhile(condition: (item: Item) => boolean): Item[] {
    const taken: Item[] = [];
    for (const [key, items] of this.byKey) {
      const end = items.findIndex((item) => !condition(item));
      taken.push(...items.splice(0, end === -1 ? items.length : end));
      if (items.length === 0) this.byKey.delete(key);
    }
    return taken;
  }
}
