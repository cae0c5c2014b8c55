import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tokenDigest } from '../../src/http/api-tokens/api-token.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { runCommand } from '../support/run-command.js';
import { query } from '../support/sql.js';

describe('api-token', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database.drop());

  const command = (...args: string[]) => runCommand('src/api-token.ts', { DATABASE_URL: database.url }, args);

  it('adds a token that it shows once, lists and revokes it', async () => {
    const service = randomUUID();
    const added = await command(
      'add',
      '--name',
      'Team A',
      '--service',
      service,
      '--scopes',
      'callbacks:read',
    );
    const [, id = '', token = ''] = /^Token (\S+), shown this once:\n(\S+)\n$/.exec(added.stdout) ?? [];

    const [row] = await query(database.url, 'SELECT * FROM service_callback_api_tokens');
    expect(row).toMatchObject({
      id,
      name: 'Team A',
      token_hash: tokenDigest(token),
      scopes: ['callbacks:read'],
      service_id: service,
      revoked_at: null,
    });
    expect((await command('list')).stdout).toBe(`${id}  Team A: callbacks:read on service ${service}\n`);
    expect(await command('revoke', id)).toMatchObject({ code: 0 });
    expect((await command('list')).stdout).toMatch(/, revoked \d{4}-/);
    expect(await command('revoke', id)).toMatchObject({ code: 1 });
  });

  it.each([[[]], [['add']], [['add', '--name', 'x', '--scopes', 'everything']], [['revoke']]])(
    'says how it is used when it is told %j',
    async (args) => {
      const { code, stderr } = await command(...args);
      expect(code).toBe(1);
      expect(stderr).toContain('npm run api-token -- add');
    },
  );
});
