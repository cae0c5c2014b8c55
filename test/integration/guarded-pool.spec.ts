import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Pool } from 'pg';
import { GuardedPool } from '../../src/service-callbacks/queues/guarded-pool.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('the pool that BullMQ is given', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, options: '-c deadlock_timeout=50ms' });
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it('repeats a statement that a deadlock rolled back: neither caller gets an error', async () => {
    const guarded = new GuardedPool(pool);
    // Both hold one lock when they ask for the other's: PostgreSQL rolls one of them back.
    const lock = (one: number, other: number) =>
      guarded.query(
        `SELECT nextval('tries'), pg_advisory_xact_lock(${one}), pg_sleep(0.2), pg_advisory_xact_lock(${other})`,
      );
    // A sequence is not rolled back.
    await pool.query('CREATE SEQUENCE tries');
    const tries = async () =>
      (await pool.query<{ n: number }>('SELECT last_value::int AS n FROM tries')).rows[0]?.n ?? 0;
    let rounds = 0;
    do {
      const responses = await Promise.all([lock(1, 2), lock(2, 1)]);
      expect(responses.map(({ rows }) => rows.length)).toEqual([1, 1]);
      rounds += 1;
      // If one finished before the other had connected, there was no deadlock.
    } while ((await tries()) === 2 * rounds && rounds < 20);
    expect(await tries()).toBe(2 * rounds + 1);
  });
});
