/** Runs a statement and returns its rows. */
export interface Queryable {
  query(text: string): Promise<unknown>;
}

/** Identifies the database and the server. Two connections with the same identity can share a transaction. */
export async function databaseIdentity(connection: Queryable): Promise<string> {
  const [row] = (await connection.query(
    `SELECT current_database() || ' of the server started ' || extract(epoch FROM pg_postmaster_start_time()) AS identity`,
  )) as { identity: string }[];
  return row?.identity ?? 'unknown';
}
