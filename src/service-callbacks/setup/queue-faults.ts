import { assertSchemaCompatibility, DEFAULT_SCHEMA as SCHEMA, LATEST_SCHEMA_VERSION } from 'bullmq';
import pg from 'pg';
import { connectionFault } from '../../database/connection-fault.js';
import { ownTypeParsers } from '../queues/own-type-parsers.js';
import { isQueueSchemaMissing } from '../queues/queue-schema.js';
import { privilegeFaults, TABLE_PRIVILEGES, usageFault, type MissingPrivileges } from './privileges.js';

export interface QueueSchemaUse {
  /** Whether the start brings the schema up to date. */
  readonly migrates: boolean;
  /** What else brings it up to date, as the end of a sentence. */
  readonly remedy: string;
  /** What names the database. Default: QUEUE_DATABASE_URL */
  readonly setting?: string;
}

interface Access {
  readonly user: string;
  /** Null if there is no such schema. */
  readonly has_usage: boolean | null;
  readonly may_migrate: boolean;
}

const ACCESS = `SELECT quote_ident(current_user) AS "user",
    (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1) AS has_usage,
    coalesce((SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = $1), true)
      AND has_database_privilege(current_database(), 'CREATE') AS may_migrate`;

/** BullMQ's table of migrations is only read. */
const PRIVILEGES = `SELECT quote_ident(current_user) AS "user", format('%I.%I', $1::text, c.relname) AS table,
    array_to_json(ARRAY(SELECT p FROM unnest($2::text[]) p WHERE NOT has_table_privilege(c.oid, p))) AS privileges
  FROM pg_class c
  WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'migration'
  ORDER BY c.relname`;

/** What is wrong with the schema of the PostgreSQL queue: missing, behind the code, or not open to this user. */
export async function queueFaults(
  connection: pg.ClientConfig,
  { migrates, remedy, setting = 'QUEUE_DATABASE_URL' }: QueueSchemaUse,
): Promise<string[]> {
  const client = new pg.Client({
    ...connection,
    types: ownTypeParsers,
    application_name: 'service-callbacks setup',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    return [connectionFault(error, setting, client)];
  }
  try {
    const { rows } = await client.query<Access>(ACCESS, [SCHEMA]);
    const [access] = rows;
    if (!access) throw new Error('PostgreSQL does not say who its user is');
    const { user, has_usage: hasUsage, may_migrate: mayMigrate } = access;
    if (hasUsage === false) return [usageFault(user, SCHEMA)];
    const fault = await schemaFault(client);
    if (fault === undefined) {
      const missing = await client.query<MissingPrivileges>(PRIVILEGES, [SCHEMA, TABLE_PRIVILEGES]);
      return privilegeFaults(missing.rows.filter(({ privileges }) => privileges.length > 0));
    }
    if (!migrates) return [`${fault}: ${remedy}`];
    if (mayMigrate) return [];
    return [`${fault}, and the database user ${user} may not change it: as one who may, ${remedy}`];
  } finally {
    await client.end();
  }
}

async function schemaFault(client: pg.Client): Promise<string | undefined> {
  try {
    const version = await assertSchemaCompatibility(client);
    if (version >= LATEST_SCHEMA_VERSION) return undefined;
    return `The schema of the queues ("${SCHEMA}") is of version ${version} instead of ${LATEST_SCHEMA_VERSION}`;
  } catch (error) {
    if (isQueueSchemaMissing(error)) return `The database has no schema of the queues ("${SCHEMA}")`;
    throw error;
  }
}
