import { assertSchemaCompatibility } from 'bullmq';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { migrateQueueSchema } from './service-callbacks/queues/queue-schema.js';
import { dataSourceOptions } from './database/data-source-options.js';
import { NoSchemaError, OutdatedSchemaError } from './database/schema.errors.js';
import { rows } from './database/rows.js';

/** `SCBK`: one migrator at a time, whichever process it runs in. */
export const MIGRATION_LOCK = 0x5343424b;

/**
 * Brings both schemas, TypeORM's and BullMQ's, up to date under an advisory lock.
 * @param queueUrl of the queue's database, where it has one of its own
 * @throws NoSchemaError; what PostgreSQL responds with: nothing is half applied, each migration is a transaction.
 */
export async function migrateDatabase(url: string, queueUrl = url): Promise<void> {
  await withClient(url, async (lock) => {
    // A transaction's, not a session's: a pooler in between would keep the latter for whoever comes next.
    await lock.query(
      'BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0',
    );
    await assertHasSchema(lock);
    await lock.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await withClient(queueUrl, migrateQueueSchema);
    await withDataSource(url, (dataSource) => dataSource.runMigrations());
    await lock.query('COMMIT');
  });
}

/**
 * Reads whether both schemas are up to date.
 * @throws OutdatedSchemaError naming what is missing and the command that brings it.
 */
export async function assertDatabaseIsCurrent(url: string, queueUrl = url): Promise<void> {
  const outdated: string[] = [];
  let cause: unknown;
  await withDataSource(url, async (dataSource) => {
    if (await hasPendingMigrations(dataSource)) outdated.push('the service schema');
  });
  await withClient(queueUrl, async (client) => {
    await assertSchemaCompatibility(client).catch((error: unknown) => {
      outdated.push(`the queue schema (${error instanceof Error ? error.message : String(error)})`);
      cause = error;
    });
  });
  if (outdated.length > 0) throw new OutdatedSchemaError(outdated, cause);
}

/** Reads only: `DataSource.showMigrations()` would create the ledger table. */
async function hasPendingMigrations(dataSource: DataSource): Promise<boolean> {
  const [ledger] = await rows<{ exists: boolean }>(
    dataSource,
    `SELECT to_regclass('migrations') IS NOT NULL AS exists`,
  );
  if (ledger?.exists !== true) return true;
  const ran = await rows<{ name: string }>(dataSource, 'SELECT name FROM migrations');
  const executed = new Set(ran.map(({ name }) => name));
  return dataSource.migrations.some(
    (migration) => !executed.has(migration.name ?? migration.constructor.name),
  );
}

/** Tables are made in the first schema of the search path that exists, which a database's settings may leave without one. */
async function assertHasSchema(client: pg.Client): Promise<void> {
  const { rows: found } = await client.query<{ path: string | null }>(
    `SELECT CASE WHEN current_schema() IS NULL THEN current_setting('search_path') END AS path`,
  );
  const path = found[0]?.path ?? null;
  if (path !== null) throw new NoSchemaError(path);
}

async function withClient(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'service-callbacks migrations' });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

async function withDataSource<T>(url: string, use: (dataSource: DataSource) => Promise<T>): Promise<T> {
  const dataSource = await new DataSource(dataSourceOptions({ url, poolSize: 1 })).initialize();
  try {
    return await use(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
