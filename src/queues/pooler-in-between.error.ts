/** A pooler such as PgBouncer refuses or drops what the queue's connections start with. */
export class PoolerInBetweenError extends Error {
  /** @param seen what was seen of it. */
  constructor(seen: string, cause?: unknown) {
    super(
      `The queue's connections do not reach PostgreSQL as they are (${seen}): a pooler such as PgBouncer seems to ` +
        'stand in between. The queue needs a way around it: DATABASE_DIRECT_URL, or `queue.url` in the module’s options.',
      { cause },
    );
    this.name = 'PoolerInBetweenError';
  }
}
