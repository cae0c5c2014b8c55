import type { DataSource, MigrationInterface } from 'typeorm';
import { rows } from '../../database/rows.js';
import { postgresOptions } from './database-connection.js';
import { privilegeFaults, TABLE_PRIVILEGES, usageFault } from './privileges.js';

export interface ExpectedSchema {
  readonly tables: readonly string[];
  readonly migrations: readonly (new () => MigrationInterface)[];
  /** What brings the tables up to date, as the end of a sentence. */
  readonly remedy: string;
}

export interface Session {
  readonly user: string;
  readonly searchPath: string;
  /** The schema in which new tables are created; null: none. */
  readonly currentSchema: string | null;
}

/** A table with the name that is looked for, in any schema of the database. */
interface Candidate {
  readonly name: string;
  readonly schema: string;
  /** Both as a statement needs them: quoted if necessary. */
  readonly quotedSchema: string;
  readonly quoted: string;
  /** The position of its schema in the search path; null: statements do not find it. */
  readonly position: number | null;
  readonly hasUsage: boolean;
  readonly missingPrivileges: readonly string[];
}

export const SESSION = `SELECT quote_ident(current_user) AS "user", current_setting('search_path') AS "searchPath",
  current_schema() AS "currentSchema"`;

const CANDIDATES = `SELECT c.relname AS name, n.nspname AS schema, quote_ident(n.nspname) AS "quotedSchema",
    format('%I.%I', n.nspname, c.relname) AS quoted,
    array_position(current_schemas(false), n.nspname) AS position,
    has_schema_privilege(n.oid, 'USAGE') AS "hasUsage",
    ARRAY(SELECT p FROM unnest($2::text[]) p WHERE NOT has_table_privilege(c.oid, p)) AS "missingPrivileges"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = ANY($1::text[]) AND c.relkind IN ('r', 'p')
  ORDER BY position, c.relname`;

/** What is wrong with the tables: missing, not in the search path, behind the code, or not open to this user. */
export async function databaseFaults(
  dataSource: DataSource,
  { tables, migrations, remedy }: ExpectedSchema,
): Promise<string[]> {
  const { schema, migrationsTableName: ledger = 'migrations' } = postgresOptions(dataSource);
  const [session] = await rows<Session>(dataSource, SESSION);
  if (!session) throw new Error('PostgreSQL does not say who its user is');
  const candidates = await rows<Candidate>(dataSource, CANDIDATES, [[...tables, ledger], TABLE_PRIVILEGES]);
  const visible = (name: string) =>
    candidates.find((table) => table.name === name && table.position !== null);
  const found = tables.map(visible).filter((table) => table !== undefined);
  const missing = tables.filter((name) => !visible(name));
  const elsewhere = candidates.filter(({ name }) => missing.includes(name));

  const faults = schema !== undefined || missing.length > 0 ? searchPathFaults(session, schema) : [];
  for (const { hasUsage, quotedSchema } of oneEach(elsewhere, ({ schema: name }) => name)) {
    faults.push(
      hasUsage
        ? `Tables of the module are in the schema ${quotedSchema}, which is not in the search_path of the DataSource's ` +
            `connections (${session.searchPath}): add it there, with \`extra: { options: '-c search_path=…' }\`; for ` +
            `tables of the application's own, ${remedy}`
        : usageFault(session.user, quotedSchema),
    );
  }
  const nowhere = missing.filter((name) => !elsewhere.some((table) => table.name === name));
  if (nowhere.length > 0) {
    faults.push(`The database has no table ${nowhere.join(', ')}: ${remedy}`);
  } else if (missing.length === 0) {
    const pending = await pendingMigrations(dataSource, migrations, visible(ledger));
    if (pending.length > 0) faults.push(`The migrations ${pending.join(', ')} have not been run: ${remedy}`);
  }
  const closed = found.filter(({ missingPrivileges }) => missingPrivileges.length > 0);
  faults.push(
    ...privilegeFaults(
      closed.map(({ quoted, missingPrivileges }) => ({
        user: session.user,
        table: quoted,
        privileges: missingPrivileges,
      })),
    ),
  );
  return faults;
}

/**
 * Statements name tables without a schema: they are created and found in the connection's search path.
 * @param schema the option of a `DataSource`
 */
export function searchPathFaults({ user, searchPath, currentSchema }: Session, schema?: string): string[] {
  if (schema !== undefined && currentSchema !== schema)
    return [
      `The DataSource has the schema "${schema}", but its connections look for tables in ${searchPath || '""'}: make ` +
        `"${schema}" the first schema of their search_path, with \`extra: { options: '-c search_path=${schema}' }\` or ` +
        `ALTER ROLE ${user} SET search_path = ${schema}`,
    ];
  if (currentSchema !== null) return [];
  return [
    `No schema of the database's search_path (${searchPath || '""'}) exists, so that there is none to make tables in. ` +
      'Make one, or set it for the database or its user: ALTER DATABASE … SET search_path = public',
  ];
}

/** Empty if there is no migration table, or this user may not read it. The tables themselves are then checked. */
async function pendingMigrations(
  dataSource: DataSource,
  migrations: ExpectedSchema['migrations'],
  ledger: Candidate | undefined,
): Promise<string[]> {
  if (!ledger || ledger.missingPrivileges.includes('SELECT')) return [];
  const ran = await rows<{ name: string }>(dataSource, `SELECT name FROM ${ledger.quoted}`);
  const names = new Set(ran.map(({ name }) => name));
  const ours = migrations.map((Migration) => new Migration().name ?? Migration.name);
  return ours.some((name) => names.has(name)) ? ours.filter((name) => !names.has(name)) : [];
}

function oneEach<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
