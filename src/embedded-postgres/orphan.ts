import { realpath } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, USE_ANOTHER_DATABASE } from './errors.js';
import { readPostmasterFile, removePostmasterFile } from './postmaster-file.js';
import { commandLine, identifyProcess, isRunning, type ProcessIdentity } from './process-identity.js';

/** How long an orphan may take for a fast shutdown, ms. Then it gets an immediate one. */
const FAST_SHUTDOWN_MS = 10_000;
/** How long it may take for the immediate shutdown, ms. */
const IMMEDIATE_SHUTDOWN_MS = 10_000;
/** How often the process is checked, ms: it is not our child, so there is no event for its end. */
const WATCH_INTERVAL_MS = 20;

/**
 * Stops the server that a killed owner left running on this cluster, if there is one. The caller owns the data
 * directory, so nobody else uses that server.
 *
 * @throws EmbeddedPostgresError if it does not stop
 */
export async function stopOrphan(clusterDir: string, log: (line: string) => void): Promise<void> {
  const file = await readPostmasterFile(clusterDir);
  if (file === undefined) return;
  const orphan = await identifyProcess(file.pid);
  // The server of this file has ended: PostgreSQL checks that, and replaces the file by itself.
  if (orphan === null && !pidIsTaken(file.pid)) return;
  if (orphan === null || !(await servesCluster(orphan.pid, clusterDir))) {
    // The id now belongs to another process or a zombie. PostgreSQL would take either for a running server.
    await removePostmasterFile(clusterDir);
    return;
  }

  log(`stopping the server (pid ${orphan.pid}) that an earlier owner left running`);
  signal(orphan.pid, 'SIGINT');
  if (await hasEnded(orphan, FAST_SHUTDOWN_MS)) return;
  signal(orphan.pid, 'SIGQUIT');
  if (await hasEnded(orphan, IMMEDIATE_SHUTDOWN_MS)) return;
  throw new EmbeddedPostgresError(
    `An earlier owner left a PostgreSQL (pid ${orphan.pid}) running on ${clusterDir}, and it does not stop.`,
    `Stop it by hand, or leave it: ${USE_ANOTHER_DATABASE}`,
  );
}

/** Whether the process is a PostgreSQL on this directory: the id in an old file may belong to any process. */
async function servesCluster(pid: number, clusterDir: string): Promise<boolean> {
  const arguments_ = ` ${await commandLine(pid)} `;
  const paths = [clusterDir, await realpath(clusterDir)];
  return paths.some((path) => arguments_.includes(` -D ${path} `));
}

async function hasEnded(process: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (await isRunning(process)) {
    if (performance.now() > deadline) return false;
    await delay(WATCH_INTERVAL_MS);
  }
  return true;
}

function pidIsTaken(pid: number): boolean {
  return signal(pid, 0);
}

/** False if there is no such process any more, or this process may not signal it. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
