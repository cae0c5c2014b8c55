import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tokenDigest } from '../../src/http/api-tokens/api-token.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { runCommand, type CommandResult } from '../support/run-command.js';
import { query } from '../support/sql.js';

const A_STACK = /^\s+at /m;

describe('the commands of the service', () => {
  let migrated: TestDatabase;
  let empty: TestDatabase;

  beforeAll(async () => {
    [migrated, empty] = await Promise.all([createTestDatabase(), createEmptyDatabase()]);
  });

  afterAll(() => Promise.all([migrated.drop(), empty.drop()]));

  const on = (url: string, ...words: string[]): Promise<CommandResult> =>
    runCommand('src/service-cli.ts', { DATABASE_URL: url }, words);

  const tables = async (): Promise<unknown> =>
    (
      await query<{ count: string }>(
        empty.url,
        'SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()',
      )
    )[0]?.count;

  it.each([
    [[], /migrate .*\n.*status .*\n.*keys rotate .*\n.*token add/],
    [['migrate'], /Usage: service-callbacks migrate \[--migrations-table <name>\]/],
    [['keys', 'rotate', '--check'], /Usage: service-callbacks keys rotate \[--check\]/],
    [['token', 'add', '--name', 'x'], /Usage: service-callbacks token add .*\n[^]*receipts:write/],
  ])('prints the usage for %j --help, and does nothing else', async (words, described) => {
    const { code, stdout, stderr } = await on(empty.url, ...words, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(described);
    expect(await tables()).toBe('0');
  });

  it.each([
    [['migrat'], 'There is no command "migrat"'],
    [['keys', 'rotate', '--chek'], '--chek'],
    [['token', 'add'], '--name is missing'],
    [['token', 'add', '--name', 'x', '--scopes', 'everything'], 'receipts:write, callbacks:read'],
    [['token', 'revoke', 'passports'], '"passports" is not the id of a token'],
  ])('rejects %j, says what is accepted, and does nothing', async (words, said) => {
    const { code, stdout, stderr } = await on(empty.url, ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(A_STACK);
    expect(await tables()).toBe('0');
  });

  it.each([
    [
      'a server that is not there',
      'postgres://127.0.0.1:1/none',
      'cannot be reached: connect ECONNREFUSED 127.0.0.1:1. Start PostgreSQL there, or correct DATABASE_URL',
    ],
    ['a variable that is no URL', 'passports', 'DATABASE_URL=***'],
    ['no table', undefined, 'run service-callbacks migrate'],
  ])('explains %s without a stack or a token', async (_, url, said) => {
    const { code, stdout, stderr } = await on(
      url ?? empty.url,
      'token',
      'add',
      '--name',
      'x',
      '--service',
      'passports',
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(A_STACK);
    expect(stderr).not.toMatch(/[\da-f]{64}/);
  });

  it('does not start the embedded database in production', async () => {
    const { code, stderr } = await runCommand('src/service-cli.ts', { NODE_ENV: 'production' }, ['status']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DATABASE_URL is not set: [^\n]*\n$/);
  });

  it('explains what a database user may not do', async () => {
    const user = `no_${randomUUID().replaceAll('-', '')}`;
    await query(migrated.url, `CREATE ROLE ${user} LOGIN PASSWORD 'a-password'`);
    const url = new URL(migrated.url);
    [url.username, url.password] = [user, 'a-password'];
    try {
      const listed = await on(url.href, 'token', 'list');
      expect(listed).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/may not do this.*api_tokens.*Grant it the right, or/),
      });
      const { code, stdout } = await on(url.href, 'status');
      expect(code).toBe(1);
      expect(stdout).toMatch(/lacks SELECT, INSERT, UPDATE, DELETE on public\.notifications.*: GRANT/);
      url.password = 'another';
      expect((await on(url.href, 'status')).stderr).toMatch(
        /^The database does not let this user in: [^\n]*\. Correct the user or its password in DATABASE_URL [^\n]*\n$/,
      );
      url.pathname = '/nowhere';
      [url.username, url.password] = [new URL(migrated.url).username, new URL(migrated.url).password];
      expect((await on(url.href, 'status')).stderr).toMatch(
        /"nowhere" does not exist\. Create the database, or name another in DATABASE_URL/,
      );
    } finally {
      await query(migrated.url, `DROP ROLE ${user}`);
    }
  });

  it('names what a database lacks, and brings it up to date', async () => {
    const database = await createEmptyDatabase();
    try {
      const before = await on(database.url, 'status');
      expect(before.code).toBe(1);
      expect(before.stdout).toMatch(
        /no table notifications, .*npm run migration:run[^]*no schema of the queues/,
      );

      const migration = await on(database.url, 'migrate', '--migrations-table', 'ledger');
      expect(migration).toMatchObject({ code: 0, stderr: '' });
      expect(migration.stdout).toMatch(/^Ran Notifications\d+\n[^]*up to date\.\n$/);

      const again = await on(database.url, 'migrate', '--migrations-table', 'ledger');
      expect(again.stdout).toBe('The tables and the schema of the queues are up to date.\n');
      expect(await on(database.url, 'status', '--migrations-table', 'ledger')).toMatchObject({ code: 0 });
    } finally {
      await database.drop();
    }
  });

  it('adds a token that it shows once, lists and revokes it', async () => {
    const service = 'passports';
    const words = ['--name', 'Team A', '--service', service, '--scopes', 'callbacks:read'];
    const added = await on(migrated.url, 'token', 'add', ...words);
    const [, id = '', token = ''] = /^Token (\S+), shown this once:\n(\S+)\n$/.exec(added.stdout) ?? [];

    const [row] = await query(migrated.url, 'SELECT * FROM service_callback_api_tokens');
    expect(row).toMatchObject({
      id,
      name: 'Team A',
      token_hash: tokenDigest(token),
      scopes: ['callbacks:read'],
      service_id: service,
      revoked_at: null,
    });
    const list = async () => (await on(migrated.url, 'token', 'list')).stdout;
    expect(await list()).toBe(`${id}  Team A: callbacks:read on service ${service}\n`);
    expect(await on(migrated.url, 'token', 'revoke', id)).toMatchObject({ code: 0 });
    expect(await list()).toMatch(/, revoked \d{4}-/);
    expect(await on(migrated.url, 'token', 'revoke', id)).toMatchObject({ code: 1, stdout: '' });
  });
});
