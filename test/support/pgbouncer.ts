import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { findServerUser } from '../../src/embedded-postgres/server-user.js';
import { closedPort } from './receiver/closed-port.js';

export type PoolMode = 'session' | 'transaction';

/** A PgBouncer of a test's own, on loopback. */
export interface PgBouncer {
  /** The database of the URL it was started for, through it. */
  readonly url: string;
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** Its path, if it is installed; distributions put it outside of ordinary users' paths. */
export const pgBouncerPath = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  .map((directory) => join(directory, 'pgbouncer'))
  .find(isExecutable);

/** @param settings of the `[pgbouncer]` section, beyond the mode. */
export async function startPgBouncer(
  databaseUrl: string,
  mode: PoolMode,
  settings: Readonly<Record<string, string>> = {},
): Promise<PgBouncer> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const directory = await mkdtemp(join(tmpdir(), 'service-callbacks-pgbouncer-'));
  const listenPort = String(await closedPort());
  const database = pathname.slice(1);
  const configuration = join(directory, 'pgbouncer.ini');
  const target = { host: hostname, port, dbname: database, user: username, password };
  const own = {
    listen_addr: '127.0.0.1',
    listen_port: listenPort,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: mode,
    default_pool_size: '20',
    max_client_conn: '500',
    ...settings,
  };
  await writeFile(
    configuration,
    `[databases]\n${database} = ${pairs(target, "'").join(' ')}\n[pgbouncer]\n${pairs(own, '').join('\n')}\n`,
  );
  const program = pgBouncerPath ?? 'pgbouncer';
  // It does not run as root either.
  const { file, args, ...ids } = findServerUser(directory, program).command(program, [configuration]);
  const child = spawn(file, args, { ...ids, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const log: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      if (line.includes('process up')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`pgbouncer ended with code ${code}: ${log.join('\n')}`)));
  });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${listenPort}`;
  return {
    url: url.href,
    log,
    stop: async () => {
      child.kill('SIGINT');
      const killTimer = setTimeout(() => child.kill('SIGKILL'), 2_000);
      await ended;
      clearTimeout(killTimer);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function pairs(settings: Readonly<Record<string, string>>, quote: string): string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${quote}${value}${quote}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
