import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { startServiceProcess, type ServiceProcess } from '../support/faults/service-process.js';
import { closedPort } from '../support/receiver.js';
import type { Environment } from '../support/service.js';

/** Processes start slowly on a machine that does other things as well. */
const TIMEOUT_MS = 120_000;
/** pino's number. */
const INFO_LEVEL = 30;

/** Starts `src/main.ts` as a process, until it listens or fails. */
describe('the start of the process', () => {
  const closers: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function urlOf(create: () => Promise<TestDatabase>): Promise<string> {
    const database = await create();
    closers.push(() => database.drop());
    return database.url;
  }

  async function processWith(environment: Environment): Promise<ServiceProcess> {
    const started = await startServiceProcess(environment);
    closers.push(() => started.kill());
    return started;
  }

  it(
    'names every wrong variable at once, shows no secret, and exits 1',
    async () => {
      const start = processWith({
        DATABASE_URL: await urlOf(createTestDatabase),
        PORT: 'eighty',
        CALLBACK_TIMEOUT_MS: '-1',
        CALLBACK_MAXRETRIES: '9',
        CALLBACK_ENCRYPTION_KEYS: 'a-secret-that-is-no-key',
      });
      await expect(start).rejects.toThrow(
        /code 1:.*PORT="eighty".*CALLBACK_ENCRYPTION_KEYS=\*\*\*.*CALLBACK_TIMEOUT_MS="-1".*CALLBACK_MAXRETRIES="9".*did you mean CALLBACK_MAX_RETRIES/s,
      );
      await expect(start).rejects.not.toThrow(/a-secret-that-is-no-key/);
    },
    TIMEOUT_MS,
  );

  it(
    'that may not migrate names the command that does, and exits 1',
    async () => {
      const start = processWith({
        DATABASE_URL: await urlOf(createEmptyDatabase),
        MIGRATE_ON_START: 'false',
      });
      await expect(start).rejects.toThrow(/code 1:.*npm run migration:run/s);
    },
    TIMEOUT_MS,
  );

  it(
    'in production names what is missing, and a weak token',
    async () => {
      const start = processWith({ NODE_ENV: 'staging', API_TOKENS: 'short', CALLBACK_ENCRYPTION_KEYS: '' });
      await expect(start).rejects.toThrow(
        /code 1:.*DATABASE_URL is not set.*API_TOKENS=\*\*\*: a token has at least 16 characters.*CALLBACK_ENCRYPTION_KEYS is not set/s,
      );
    },
    TIMEOUT_MS,
  );

  it.each([
    [
      'of a database that does not respond',
      async () => `postgres://me:hunter2@127.0.0.1:${await closedPort()}/callbacks`,
      /^The service ended with code 1: The database of DATABASE_URL is unavailable at 127\.0\.0\.1:\d+: connect ECONNREFUSED .*Start PostgreSQL there, or correct DATABASE_URL\.$/,
    ],
    [
      'of a database that there is not',
      async () => (await urlOf(createEmptyDatabase)).replace(/\/[^/?]+(\?|$)/, '/nowhere$1'),
      /^The service ended with code 1: The database of DATABASE_URL is unavailable at .*: database "nowhere" does not exist\. Create the database "nowhere", or name another in DATABASE_URL\.$/,
    ],
  ])(
    '%s names the variable and what to do, without a stack or the password',
    async (_, url, message) => {
      const start = processWith({ DATABASE_URL: await url() });
      await expect(start).rejects.toThrow(message);
      await expect(start).rejects.not.toThrow(/hunter2/);
    },
    TIMEOUT_MS,
  );

  it(
    'on a port in use names it and what to do, without a stack',
    async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      closers.push(async () => taken.close());
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const start = processWith({ DATABASE_URL: await urlOf(createTestDatabase), PORT: String(port) });
      await expect(start).rejects.toThrow(
        new RegExp(
          `code 1: Cannot listen on HOST=127\\.0\\.0\\.1 PORT=${port}: another process uses the port; .*$`,
        ),
      );
      await expect(start).rejects.not.toThrow(/\n\s+at /);
    },
    TIMEOUT_MS,
  );

  it(
    'that may migrate sets up an empty database, and logs its address first',
    async () => {
      const databaseUrl = await urlOf(createEmptyDatabase);
      const service = await processWith({ DATABASE_URL: databaseUrl, MIGRATE_ON_START: 'true' });
      expect(await service.call('GET', '/health/ready')).toMatchObject({ status: 200 });
      const { url, logs } = service;
      const [first] = logs.lines.filter(({ level }) => level >= INFO_LEVEL);
      const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
      const places = { console: `${url}/console`, docs: `${url}/docs` };
      expect(first).toMatchObject({ event: 'service.listening', url, role: 'all', version, ...places });
      for (const named of [version, ...Object.values(places)]) expect(first?.['msg']).toContain(named);
      // Nest's own lines, one a module and a route, are for developers.
      expect(logs.lines.some(({ context }) => context === 'RouterExplorer')).toBe(true);
    },
    TIMEOUT_MS,
  );
});
