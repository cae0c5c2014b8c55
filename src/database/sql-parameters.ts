/** Values of a statement that is put together, and the places where they go. */
export class SqlParameters {
  readonly values: unknown[] = [];

  /** @returns `$1`, `$2`, … */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}
