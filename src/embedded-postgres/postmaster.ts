import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, USE_ANOTHER_DATABASE } from './errors.js';
import { findFreePort } from './free-port.js';
import { readPostmasterFile } from './postmaster-file.js';
import { serverEnvironment } from './server-environment.js';
import type { ServerUser } from './server-user.js';

/** A running server. */
export interface Postmaster {
  readonly port: number;
  /** A fast shutdown; an immediate one if that takes longer than 10 s. A second call does nothing. */
  stop(): Promise<void>;
}

export interface PostmasterOptions {
  /** Absolute path of the program. */
  readonly postgres: string;
  readonly clusterDir: string;
  readonly serverUser: ServerUser;
  readonly settings: Readonly<Record<string, string>>;
  /** Receives each line that the server writes. */
  readonly log: (line: string) => void;
}

/** Enough for the recovery after a crash, ms. */
const START_TIMEOUT_MS = 60_000;
const FAST_SHUTDOWN_MS = 10_000;
const WATCH_INTERVAL_MS = 10;
/** How often another port is tried because another process took the free one. */
const PORT_ATTEMPTS = 5;
/** How many of its last lines an error quotes. */
const LAST_LINES = 15;

/**
 * Starts a server on a free port of 127.0.0.1 and waits until it accepts connections.
 *
 * @throws EmbeddedPostgresError with the server's last lines if it does not start
 */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    const server = launch(options, port);
    const outcome = await waitUntilReady(server, options.clusterDir);
    if (outcome === 'ready') return keep(server, port);
    const portWasTaken = server.lastLines.some((line) =>
      line.includes('could not create any TCP/IP sockets'),
    );
    if (!portWasTaken || attempt === PORT_ATTEMPTS) throw didNotStart(options.clusterDir, outcome, server);
  }
}

interface Server {
  readonly child: ChildProcess;
  readonly lastLines: readonly string[];
  /** Settles when the process is gone, with the reason. */
  readonly ended: Promise<string>;
}

function launch(options: PostmasterOptions, port: number): Server {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // No socket file: its directory may not exist, its path may be too long, and nothing needs it.
    unix_socket_directories: '',
    max_connections: '300',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...options.settings,
  };
  const { file, args, ...ids } = options.serverUser.command(options.postgres, [
    '-D',
    options.clusterDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const child = spawn(file, args, {
    ...ids,
    cwd: '/',
    env: serverEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    // In a process group of its own: a terminal's Ctrl-C must not reach the server, which is needed until the end.
    detached: true,
  });

  const lastLines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
    options.log(line);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it could not be run: ${error.message}`));
    // 'exit' may come before the last lines.
    child.once('close', (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}`));
  });
  return { child, lastLines, ended };
}

async function waitUntilReady(server: Server, clusterDir: string): Promise<string> {
  let ended: string | undefined;
  void server.ended.then((reason) => (ended = reason));
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (ended !== undefined) return ended;
    const file = await readPostmasterFile(clusterDir);
    // setpriv becomes postgres and keeps the id of our child. Another id is from an earlier server.
    if (file?.ready === true && file.pid === server.child.pid) return 'ready';
    await delay(WATCH_INTERVAL_MS);
  }
  await shutDown(server);
  return `it did not accept connections within ${START_TIMEOUT_MS} ms`;
}

function keep(server: Server, port: number): Postmaster {
  // The server must not keep this process alive.
  setReferenced(server.child, false);
  // A process that ends without stop() (a crash, process.exit) can send a signal and cannot wait. After SIGINT the
  // server shuts down cleanly by itself, and the next start has nothing to recover. After SIGQUIT it would replay its
  // log.
  const onExit = (): void => void server.child.kill('SIGINT');
  process.once('exit', onExit);
  void server.ended.then(() => process.off('exit', onExit));

  let stopping: Promise<void> | undefined;
  return { port, stop: () => (stopping ??= shutDown(server)) };
}

async function shutDown(server: Server): Promise<void> {
  setReferenced(server.child, true);
  server.child.kill('SIGINT');
  const timer = new AbortController();
  const tooLong = delay(FAST_SHUTDOWN_MS, 'too long', { signal: timer.signal }).catch(() => 'ended');
  if ((await Promise.race([server.ended, tooLong])) === 'too long') server.child.kill('SIGQUIT');
  timer.abort();
  await server.ended;
}

function setReferenced(child: ChildProcess, referenced: boolean): void {
  const handles = child.stderr instanceof Socket ? [child, child.stderr] : [child];
  for (const handle of handles) {
    if (referenced) handle.ref();
    else handle.unref();
  }
}

function didNotStart(clusterDir: string, reason: string, server: Server): EmbeddedPostgresError {
  const missingLibrary = server.lastLines.some((line) =>
    line.includes('error while loading shared libraries'),
  );
  return new EmbeddedPostgresError(
    [`The embedded PostgreSQL in ${clusterDir} did not start: ${reason}.`, ...server.lastLines].join('\n  '),
    missingLibrary
      ? 'Its install script was not run: npm rebuild, with the scripts that package.json allows.'
      : USE_ANOTHER_DATABASE,
  );
}
