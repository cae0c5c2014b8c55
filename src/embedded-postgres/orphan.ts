import { realpath } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, USE_ANOTHER_DATABASE } from './errors.js';
import { readPostmasterFile, removePostmasterFile } from './postmaster-file.js';
import { commandLine, identifyProcess, isRunning, type ProcessIdentity } from './process-identity.js';

/** How long an orphan may take for its fast shutdown before an immediate shutdown follows, ms. */
const FAST_SHUTDOWN_MS = 10_000;
/** How long it may take after that, in ms. */
const IMMEDIATE_SHUTDOWN_MS = 10_000;
/** A process that is not our child can only be watched. In ms. */
const WATCH_INTERVAL_MS = 20;

/**
 * Ends the server that a killed owner left running on this cluster, if there is one. The caller owns the
 * data directory, so that server is no longer in use.
 *
 * @throws EmbeddedPostgresError when it does not end
 */
export async function stopOrphan(clusterDir: string, log: (line: string) => void): Promise<void> {
  const file = await readPostmasterFile(clusterDir);
  if (file === undefined) return;
  const orphan = await identifyProcess(file.pid);
  // Left by a server that is gone: PostgreSQL checks that nothing of it is alive and takes over by itself.
  if (orphan === null && !pidIsTaken(file.pid)) return;
  if (orphan === null || !(await servesCluster(orphan.pid, clusterDir))) {
    // The process id has gone to someone else, or to a zombie: PostgreSQL would take either for its own.
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

/** Whether the process really is a PostgreSQL on this directory: a stale file may name anybody. */
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

/** False when there is no such process (any more), or it is not ours to signal. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
