/** Collects the values of a statement and returns their placeholders. */
export class SqlParameters {
  readonly values: unknown[] = [];

  /** @returns `$1`, `$2`, … */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}
