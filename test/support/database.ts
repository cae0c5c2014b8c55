import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { ADMIN_URL_VARIABLE, TEMPLATE_DATABASE } from './database-names.js';

/** A database of one test file's own. */
export interface TestDatabase {
  readonly url: string;
  /** Removes it, even with open connections. */
  drop(): Promise<void>;
}

/** A migrated database, cloned from the template within milliseconds. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(`TEMPLATE ${TEMPLATE_DATABASE}`);
}

/** A database with nothing in it. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('TEMPLATE template0');
}

async function createDatabase(template: string): Promise<TestDatabase> {
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  // Files are copied as they are: several times faster than through the log, which no test replays. Any
  // number of clones may be made at once, because no connection to the template is allowed.
  await asAdmin(`CREATE DATABASE ${name} ${template} STRATEGY FILE_COPY`);
  const url = new URL(adminUrl());
  url.pathname = name;
  return { url: url.href, drop: () => asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function asAdmin(statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function adminUrl(): string {
  const url = process.env[ADMIN_URL_VARIABLE];
  if (url === undefined)
    throw new Error(`${ADMIN_URL_VARIABLE} is not set: Jest's global setup did not run.`);
  return url;
}
