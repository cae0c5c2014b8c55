import { Logger } from '@nestjs/common';
import {
  assertSchemaCompatibility,
  DEFAULT_SCHEMA as SCHEMA,
  LATEST_SCHEMA_VERSION,
  runMigrations,
  SchemaMigrationRequiredError,
} from 'bullmq';
import type pg from 'pg';
import { describeError } from '../../observability/describe-error.js';

/** In BullMQ's schema, with a name that says whose it is. */
const MARKED_INDEX = 'service_callbacks_stalled_marked';
/**
 * How long it waits for transactions that use the table, ms. Meanwhile relays and workers wait behind it.
 */
const LOCK_TIMEOUT_MS = 1_000;
const LOCK_NOT_AVAILABLE = '55P03';
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Brings BullMQ's schema up to date and changes two things in it:
 *
 * - Each check for stalled jobs reads every job to find those that it marked before. With 100,000 jobs this takes 0.2
 * to 0.4 s, four times a minute for each queue. An index finds them.
 * - A job of many callbacks is mostly sealed text, which does not compress. PostgreSQL tries all the same, which is
 * half of the cost of adding such a job. Its data is now stored uncompressed.
 *
 * @param client not in a transaction, with BullMQ's schema as its search path
 */
export async function migrateQueueSchema(client: pg.ClientBase): Promise<void> {
  // BullMQ's migration needs the rights of DDL even if there is nothing to do.
  if (!(await isCurrent(client))) await runMigrations(client);
  const { rows } = await client.query<{ missing: boolean }>(
    `SELECT to_regclass($1) IS NULL OR EXISTS (
       SELECT FROM pg_attribute WHERE attrelid = $2::regclass AND attname = 'data' AND attstorage <> 'e'
     ) AS missing`,
    [`${SCHEMA}.${MARKED_INDEX}`, `${SCHEMA}.job`],
  );
  if (rows[0]?.missing === true) await change(client);
}

/** BullMQ's error for a missing schema. */
export function isQueueSchemaMissing(error: unknown): boolean {
  return error instanceof SchemaMigrationRequiredError;
}

async function isCurrent(client: pg.ClientBase): Promise<boolean> {
  try {
    return (await assertSchemaCompatibility(client)) >= LATEST_SCHEMA_VERSION;
  } catch (error) {
    if (isQueueSchemaMissing(error)) return false;
    throw error;
  }
}

/**
 * If the table stays locked for longer, or belongs to another owner, the next start or that owner makes the change:
 * everything works without it.
 */
async function change(client: pg.ClientBase): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = 0`);
    // Of two processes that start together, the second finds it changed.
    await client.query(`LOCK TABLE ${SCHEMA}.job IN ACCESS EXCLUSIVE MODE`);
    await client.query(`ALTER TABLE ${SCHEMA}.job ALTER COLUMN data SET STORAGE EXTERNAL`);
    await client.query(
      `CREATE INDEX IF NOT EXISTS ${MARKED_INDEX} ON ${SCHEMA}.job (queue) WHERE stalled_marked`,
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    const { code } = error as { code?: unknown };
    if (code !== LOCK_NOT_AVAILABLE && code !== INSUFFICIENT_PRIVILEGE) throw error;
    new Logger('ServiceCallbacks').warn({
      event: 'queue.schema_outdated',
      err: describeError(error),
      msg:
        code === LOCK_NOT_AVAILABLE
          ? 'A transaction holds the queue’s table: the next start changes it'
          : 'The queue’s table belongs to another database user: `npx service-callbacks migrate` as that user changes it',
    });
  }
}
