/** The embedded PostgreSQL cannot be used here. The message says why, and what to set instead. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  /**
   * @param problem what was found, with the values it was found in
   * @param remedy what the reader can do about it
   */
  constructor(problem: string, remedy: string, options?: ErrorOptions) {
    super(`${problem}\n${remedy}`, options);
  }
}

/** The way out that is always open. */
export const USE_ANOTHER_DATABASE =
  'Set DATABASE_URL to a PostgreSQL of your own, or DATA_DIR to another directory.';
