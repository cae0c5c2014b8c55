import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError, USE_ANOTHER_DATABASE } from './errors.js';
import { hasCode, readIfThere } from './files.js';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.js';

/** The right to use a data directory, held by one process at a time. */
export interface Ownership {
  release(): Promise<void>;
}

/** How often a claim is repeated because another process changed the file at the same moment. */
const CLAIM_ATTEMPTS = 20;

/**
 * Claims a data directory for this process, in the file `postgres-owner.json`. The file of an owner that no longer runs
 * is removed.
 *
 * @throws EmbeddedPostgresError if another owner runs; the message names its process id
 */
export async function claimDataDir(dataDir: string): Promise<Ownership> {
  const file = join(dataDir, 'postgres-owner.json');
  const ours = JSON.stringify(await identifyProcess());
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, ours);
  try {
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
      // `link` creates the file with its content in one step, and fails if it exists.
      if (await linkUnlessTaken(draft, file)) return { release: () => releaseIfOurs(file, ours) };
      const theirs = await readIfThere(file);
      if (theirs === undefined) continue;
      const owner = parseOwner(theirs);
      if (owner !== null && (await isRunning(owner))) throw inUse(dataDir, owner);
      await removeStale(file, theirs);
    }
    throw new EmbeddedPostgresError(
      `The data directory ${dataDir} could not be claimed.`,
      USE_ANOTHER_DATABASE,
    );
  } finally {
    await rm(draft, { force: true });
  }
}

/** Moves the file aside and reads it again: another process may have claimed the directory since it was read. */
async function removeStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== stale) await linkUnlessTaken(aside, file);
  await rm(aside, { force: true });
}

async function releaseIfOurs(file: string, ours: string): Promise<void> {
  if ((await readIfThere(file)) === ours) await rm(file, { force: true });
}

async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** `null` if the file names no owner, for example because a full disk cut it short. */
function parseOwner(text: string): ProcessIdentity | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    if (!('pid' in value) || typeof value.pid !== 'number') return null;
    const startedAt = 'startedAt' in value && typeof value.startedAt === 'string' ? value.startedAt : null;
    return { pid: value.pid, startedAt };
  } catch {
    return null;
  }
}

function inUse(dataDir: string, owner: ProcessIdentity): EmbeddedPostgresError {
  const who = owner.pid === process.pid ? `this process (pid ${owner.pid})` : `process ${owner.pid}`;
  return new EmbeddedPostgresError(
    `The embedded PostgreSQL in ${dataDir} is in use by ${who}, and it belongs to one process at a time.`,
    `Stop that process, or run beside it: ${USE_ANOTHER_DATABASE}`,
  );
}
