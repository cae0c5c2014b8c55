import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { migrateQueueSchema } from '../../src/service-callbacks/queues/queue-schema.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { captureNestLogs } from '../support/nest-logs.js';

const INDEX = 'bullmq.service_callbacks_stalled_marked';

describe('the schema of the PostgreSQL queue', () => {
  let database: TestDatabase;
  const clients: pg.Client[] = [];

  beforeEach(async () => {
    database = await createEmptyDatabase();
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await database.drop();
  });

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: database.url, options: '-c search_path=bullmq' });
    clients.push(client);
    await client.connect();
    return client;
  }

  async function hasIndex(client: pg.Client): Promise<boolean | undefined> {
    const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
      INDEX,
    ]);
    return rows[0]?.there;
  }

  it('lets the check for stalled jobs find its marked jobs by an index', async () => {
    const client = await connect();
    await migrateQueueSchema(client);
    await client.query(
      `INSERT INTO job (queue, id, seq, name, state, data, opts, added_at_ms)
       SELECT 'q', n::text, n, 'n', 'delayed', '{}', '{}', 0 FROM generate_series(1, 10000) n`,
    );
    await client.query('ANALYZE job');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN UPDATE job SET stalled_marked = false WHERE queue = 'q' AND stalled_marked`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('service_callbacks_stalled_marked');
  });

  it('stores the data of a job uncompressed', async () => {
    const client = await connect();
    await migrateQueueSchema(client);
    await client.query(
      `INSERT INTO job (queue, id, seq, name, state, data, opts, added_at_ms)
       VALUES ('q', '1', 1, 'n', 'waiting', to_jsonb(repeat('x', 100000)), '{}', 0)`,
    );
    const { rows } = await client.query<{ size: number }>('SELECT pg_column_size(data) AS size FROM job');
    expect(rows[0]?.size).toBeGreaterThan(100_000);
  });

  it('is brought up to date by processes that start together', async () => {
    const together = await Promise.all([connect(), connect(), connect()]);
    await Promise.all(together.map(migrateQueueSchema));
    expect(await hasIndex(await connect())).toBe(true);
  });

  it('does not delay a start while an open transaction has enqueued', async () => {
    const client = await connect();
    await migrateQueueSchema(client);
    await client.query(`DROP INDEX ${INDEX}`);
    const writer = await connect();
    await writer.query('BEGIN; LOCK TABLE job IN ROW EXCLUSIVE MODE');
    const logs = captureNestLogs();
    await migrateQueueSchema(client);
    expect(logs).toMatchObject([{ event: 'queue.schema_outdated', level: 'warn', err: { code: '55P03' } }]);
    expect(await hasIndex(client)).toBe(false);
    await writer.query('COMMIT');
    await migrateQueueSchema(client);
    expect(await hasIndex(client)).toBe(true);
  });
});
