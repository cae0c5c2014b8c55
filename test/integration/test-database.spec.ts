import { afterAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';

describe('the databases of tests', () => {
  const made: TestDatabase[] = [];
  afterAll(() => Promise.all(made.map((database) => database.drop())));

  it('are migrated and separate, also if cloned at the same moment', async () => {
    made.push(...(await Promise.all(Array.from({ length: 20 }, () => createTestDatabase()))));
    const names = await Promise.all(made.map(({ url }) => query(url, 'SELECT current_database() AS value')));
    expect(new Set(names).size).toBe(20);
    const migrated = await query(made[0]?.url, `SELECT to_regclass('notifications') IS NOT NULL AS value`);
    expect(migrated).toBe(true);
  });

  it('can be empty', async () => {
    const database = await createEmptyDatabase();
    made.push(database);
    expect(await query(database.url, `SELECT to_regclass('notifications') AS value`)).toBeNull();
  });

  it('are dropped under an open connection', async () => {
    const database = await createEmptyDatabase();
    const client = new Client({ connectionString: database.url });
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.on('error', () => undefined);
    await client.connect();
    await database.drop();
    await ended;
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
  });
});

async function query(url: string | undefined, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ value: unknown }>(sql);
    return rows[0]?.value;
  } finally {
    await client.end();
  }
}
