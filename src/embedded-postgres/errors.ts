/** The embedded PostgreSQL cannot be used here. The message names the reason and what to set instead. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  /**
   * @param problem what is wrong, with the values
   * @param remedy what the reader can do about it
   */
  constructor(problem: string, remedy: string, options?: ErrorOptions) {
    super(`${problem}\n${remedy}`, options);
  }
}

/** The remedy that always works. */
export const USE_ANOTHER_DATABASE =
  'Set DATABASE_URL to a PostgreSQL of your own, or DATA_DIR to another directory.';
