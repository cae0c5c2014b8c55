import { Client, type QueryResultRow } from 'pg';

/** Runs one statement on a new connection, outside of the service. */
export async function query<Row extends QueryResultRow>(
  databaseUrl: string,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, [...parameters])).rows;
  } finally {
    await client.end();
  }
}
