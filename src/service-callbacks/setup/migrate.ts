import pg from 'pg';
import type { DataSource } from 'typeorm';
import type { PostgresOptions } from '../../database/data-source-options.js';
import { serviceCallbackMigrations } from '../../database/migrations/migrations.js';
import { runMigrations } from '../../database/run-migrations.js';
import { migrateQueueSchema } from '../queues/queue-schema.js';
import type { QueueOptions } from '../service-callbacks.options.js';
import { connectionOf, postgresOptions, queueConnectionOf } from './database-connection.js';
import { searchPathFaults, SESSION, type Session } from './database-faults.js';
import { assertNoFaults } from '../setup-error.js';

/** `SCBK`: one migrator at a time, in any process. */
export const MIGRATION_LOCK = 0x5343424b;

export interface MigrateOptions {
  /** The module's option of this name. Default: PostgreSQL, in the same database. */
  readonly queue?: QueueOptions;
}

/**
 * Brings the module's tables, and the schema of queues on PostgreSQL, up to date, one process at a time. It does not
 * run the host's own migrations. The database user needs the rights of DDL.
 * @param database the host's `DataSource`, connected or not, or a `postgres://` URL
 * @returns the names of the migrations that ran
 * @throws SetupError; also PostgreSQL's errors. Each migration is a transaction, so none is half applied.
 */
export function migrateServiceCallbacks(
  database: Pick<DataSource, 'options'> | string,
  { queue = { backend: 'postgres' } }: MigrateOptions = {},
): Promise<string[]> {
  const dataSource =
    typeof database === 'string' ? { options: { type: 'postgres', url: database } as const } : database;
  return migrate(
    postgresOptions(dataSource),
    [...serviceCallbackMigrations],
    queue.backend === 'postgres' ? queueConnectionOf(queue, dataSource) : undefined,
  );
}

/** @param queue the database of a queue on PostgreSQL */
export async function migrate(
  options: PostgresOptions,
  migrations: PostgresOptions['migrations'],
  queue: pg.ClientConfig | undefined,
): Promise<string[]> {
  const { options: startup } = (options.extra ?? {}) as Pick<pg.ClientConfig, 'options'>;
  return withClient({ ...connectionOf({ options }), options: startup }, async (lock) => {
    // The lock of a transaction: a connection pooler would keep a session's lock for the next client.
    await lock.query(
      'BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0',
    );
    const { rows } = await lock.query<Session>(SESSION);
    assertNoFaults(rows.flatMap((session) => searchPathFaults(session, options.schema)));
    await lock.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    if (queue) await withClient(queue, migrateQueueSchema);
    const ran = await runMigrations(options, migrations);
    await lock.query('COMMIT');
    return ran;
  });
}

async function withClient<T>(config: pg.ClientConfig, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...config, application_name: 'service-callbacks migrations' });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
