import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/embedded-postgres/embedded-postgres.js';
import { findBinaries } from '../../src/embedded-postgres/binaries.js';

/** The data of these tests need not survive a power cut. */
const FAST = { fsync: 'off' };

describe('startEmbeddedPostgres', () => {
  let dataDir: string;
  let lines: string[];
  const running: EmbeddedPostgres[] = [];
  const owners: ChildProcess[] = [];

  // Tests share one directory, except those of its creation, because creating a cluster takes most of the time.
  beforeAll(async () => {
    // Only its owner may enter it. A run as root shows that the server, as another user, can enter it too.
    dataDir = await mkdtemp(join(tmpdir(), 'embedded-postgres-'));
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  beforeEach(() => {
    lines = [];
  });
  afterEach(async () => {
    for (const postgres of running.splice(0)) await postgres.stop();
    for (const owner of owners.splice(0)) await end(owner);
  });

  async function start(
    settings: Record<string, string> = {},
    directory: string = dataDir,
  ): Promise<EmbeddedPostgres> {
    const postgres = await startEmbeddedPostgres({
      dataDir: directory,
      log: (line) => lines.push(line),
      settings: { ...FAST, ...settings },
    });
    running.push(postgres);
    return postgres;
  }

  /** An owner in its own process and process group, with a running database. */
  async function startOwner(then: 'stay' | 'leave' | 'exit'): Promise<{ owner: ChildProcess; url: string }> {
    const support = join(import.meta.dirname, '../support');
    const owner = fork(join(support, 'embedded-postgres-owner.ts'), [dataDir, then], {
      execArgv: ['--import', join(support, 'register-typescript.mjs')],
      detached: true,
    });
    owners.push(owner);
    const url = await new Promise<string>((resolve, reject) => {
      owner.once('message', (message: { url: string }) => resolve(message.url));
      owner.once('exit', (code) => reject(new Error(`The owner ended with code ${code} before it began.`)));
    });
    return { owner, url };
  }

  it('keeps its data from one start to the next', async () => {
    const first = await start();
    expect(await query(first.url, 'SELECT current_database() AS value')).toBe('service_callbacks');
    await query(first.url, `CREATE TABLE kept_by_stop AS SELECT 'still here' AS value`);
    await first.stop();
    await expect(query(first.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');

    const second = await start();
    expect(await query(second.url, 'SELECT value FROM kept_by_stop')).toBe('still here');
    expect(lines.join('\n')).not.toContain('not properly shut down');
  });

  it('listens on loopback only, needs a password that only the owner can read, and uses UTC and UTF-8', async () => {
    const { url, port } = await start();
    expect(await query(url, `SELECT current_setting('listen_addresses') AS value`)).toBe('127.0.0.1');
    expect(await query(url, `SELECT current_setting('unix_socket_directories') AS value`)).toBe('');
    expect(await query(url, `SELECT current_setting('max_connections') AS value`)).toBe('300');
    expect(await query(url, `SELECT current_setting('TimeZone') AS value`)).toBe('UTC');
    expect(await query(url, `SELECT current_setting('server_encoding') AS value`)).toBe('UTF8');
    expect(new URL(url).port).toBe(String(port));

    const guessed = new URL(url);
    guessed.password = 'postgres';
    await expect(query(guessed.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    const file = join(dataDir, 'postgres-password');
    expect(await readFile(file, 'utf8')).toBe(new URL(url).password);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('ignores variables for another server', async () => {
    const meant = { PGDATA: '/nowhere', PGPORT: '1', PGHOST: 'nowhere', PGSSLMODE: 'require', PGUSER: 'x' };
    Object.assign(process.env, meant);
    try {
      const { url } = await start();
      expect(await query(url, 'SELECT 1 AS value')).toBe(1);
    } finally {
      for (const name of Object.keys(meant)) delete process.env[name];
    }
  });

  it('belongs to one process at a time', async () => {
    const { owner } = await startOwner('stay');
    const refused = start();
    await expect(refused).rejects.toThrow(`in use by process ${owner.pid}`);
    await expect(refused).rejects.toThrow(/DATABASE_URL.*DATA_DIR/);
  });

  it('is also refused twice in one process, and free again after stop', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`in use by this process (pid ${process.pid})`);
    await Promise.all([first.stop(), first.stop()]);
    await start();
  });

  it('belongs to one of many that claim it at the same moment', async () => {
    await writeFile(
      join(dataDir, 'postgres-owner.json'),
      JSON.stringify({ pid: 2 ** 22 + 1, startedAt: 'gone' }),
    );
    const claims = await Promise.allSettled(Array.from({ length: 10 }, () => start()));
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it("survives the terminal's Ctrl-C; the next start stops a server of a killed owner", async () => {
    const { owner, url } = await startOwner('stay');
    await query(url, `CREATE TABLE kept_by_orphan AS SELECT 'still here' AS value`);
    if (owner.pid === undefined) throw new Error('The owner did not start.');
    const gone = once(owner, 'exit');
    process.kill(-owner.pid, 'SIGINT');
    expect(await query(url, 'SELECT 1 AS value')).toBe(1);
    process.kill(-owner.pid, 'SIGKILL');
    await gone;
    expect(await query(url, 'SELECT 1 AS value')).toBe(1);

    const next = await start();
    expect(await query(next.url, 'SELECT value FROM kept_by_orphan')).toBe('still here');
    expect(lines[0]).toMatch(/^stopping the server \(pid \d+\) that an earlier owner left running$/);
    await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  it.each([
    ['leave', 0],
    ['exit', 3],
  ] as const)('ends with an owner that does not stop it (%s)', async (way, code) => {
    const { owner } = await startOwner(way);
    expect(await once(owner, 'exit')).toEqual([code, null]);
    await start();
    expect(lines.join('\n')).not.toContain('not properly shut down');
  });

  it('distinguishes a process from a later one with the same id', async () => {
    const first = await start();
    await first.stop();
    // Both files name this process, which is neither the owner nor the server.
    const ids = { pid: process.pid, startedAt: 'before the last reboot' };
    await writeFile(join(dataDir, 'postgres-owner.json'), JSON.stringify(ids));
    await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), `${process.pid}\n${dataDir}/postgres\n`);
    const second = await start();
    expect(await query(second.url, 'SELECT 1 AS value')).toBe(1);
  });

  it('creates the cluster again after an interruption', async () => {
    const directory = await mkdtemp(join(dataDir, 'interrupted-'));
    await mkdir(join(directory, 'postgres.initdb'));
    await writeFile(join(directory, 'postgres.initdb', 'PG_VERSION'), '18\n');
    await writeFile(join(directory, 'postgres-owner.json'), '{"pid":');
    const { url } = await start({}, directory);
    expect(await query(url, 'SELECT 1 AS value')).toBe(1);
  });

  it("fails with the server's own message, and releases the directory", async () => {
    await expect(start({ shared_buffers: 'plenty' })).rejects.toThrow(
      /did not start: it ended with code 1\.[^]*invalid value for parameter "shared_buffers": "plenty"[^]*DATABASE_URL/,
    );
    await start();
  });

  it('fails with a message if the password is missing', async () => {
    const first = await start();
    await first.stop();
    const file = join(dataDir, 'postgres-password');
    await rename(file, `${file}.aside`);
    await expect(start()).rejects.toThrow(`there is no ${file}`);
    await rename(`${file}.aside`, file);
  });

  it.each([
    ['linux', 's390x'],
    ['win32', 'x64'],
    ['aix', 'ppc64'],
  ])('fails with a message if there are no binaries for %s-%s', async (platform, arch) => {
    await expect(findBinaries(platform, arch)).rejects.toThrow(
      `There is no embedded PostgreSQL for ${platform}-${arch} here`,
    );
  });
});

/** Lets an owner stop its database, unless it is gone already. */
async function end(owner: ChildProcess): Promise<void> {
  if (owner.exitCode !== null || owner.signalCode !== null) return;
  const ended = once(owner, 'exit');
  owner.disconnect();
  await ended;
}

async function query(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ value: unknown }>(sql);
    return rows[0]?.value;
  } finally {
    await client.end();
  }
}
