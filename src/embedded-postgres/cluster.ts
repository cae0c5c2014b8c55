import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgresError, USE_ANOTHER_DATABASE } from './errors.js';
import { hasCode, readIfThere } from './files.js';
import { serverEnvironment } from './server-environment.js';
import type { ServerUser } from './server-user.js';

/** How to log in to a cluster: PostgreSQL's word for the databases of one server. */
export interface Cluster {
  readonly user: string;
  readonly password: string;
}

/** Where the cluster of a data directory is. */
export function clusterDirectory(dataDir: string): string {
  return join(dataDir, 'postgres');
}

/** The role that owns everything in the embedded database. */
const SUPERUSER = 'postgres';

export interface ClusterOptions {
  /** Absolute path of the program. */
  readonly initdb: string;
  readonly serverUser: ServerUser;
  /** Whether to wait until a new cluster is on disk. */
  readonly sync: boolean;
}

/** The cluster of this data directory, created on first use. The caller owns the directory. */
export async function openCluster(dataDir: string, options: ClusterOptions): Promise<Cluster> {
  const directory = clusterDirectory(dataDir);
  const passwordFile = join(dataDir, 'postgres-password');
  const exists = await isCluster(directory, options.serverUser);
  let password = (await readIfThere(passwordFile))?.trim();
  if (password === undefined) {
    if (exists) throw passwordLost(directory, passwordFile);
    password = randomBytes(24).toString('base64url');
    // The password is written first: a start after an interruption here uses it for the new cluster.
    await writeFileAtomically(passwordFile, password);
  }
  if (!exists) await createCluster(directory, password, options);
  return { user: SUPERUSER, password };
}

/** Runs initdb in a temporary directory, so that an incomplete cluster is never used. */
async function createCluster(
  directory: string,
  password: string,
  { initdb, serverUser, sync }: ClusterOptions,
): Promise<void> {
  const draft = `${directory}.initdb`;
  const passwordDraft = `${draft}-password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordDraft, password, { mode: 0o600 });
  await chown(draft, serverUser.uid, serverUser.gid);
  await chown(passwordDraft, serverUser.uid, serverUser.gid);
  try {
    const { file, args, ...ids } = serverUser.command(initdb, [
      `--pgdata=${draft}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordDraft}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
      ...(sync ? [] : ['--no-sync']),
    ]);
    await promisify(execFile)(file, args, { ...ids, cwd: '/', env: serverEnvironment() });
    await rename(draft, directory);
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL could not be created in ${directory}: ${describe(cause)}`,
      USE_ANOTHER_DATABASE,
      { cause },
    );
  } finally {
    await rm(passwordDraft, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

async function isCluster(directory: string, serverUser: ServerUser): Promise<boolean> {
  try {
    const { uid } = await stat(directory);
    if (uid !== serverUser.uid) throw ofAnotherUser(directory, uid, serverUser.uid);
    await stat(join(directory, 'PG_VERSION'));
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function writeFileAtomically(file: string, content: string): Promise<void> {
  const draft = `${file}.draft`;
  await writeFile(draft, content, { mode: 0o600, flush: true });
  await rename(draft, file);
}

/** initdb writes the reason to stderr, which `execFile` puts beside its own message. */
function describe(error: unknown): string {
  const hasOutput = typeof error === 'object' && error !== null && 'stderr' in error;
  const output = hasOutput ? String(error.stderr).trim() : '';
  return output === '' ? String(error) : output;
}

function ofAnotherUser(directory: string, theirs: number, ours: number): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The embedded PostgreSQL in ${directory} belongs to user ${theirs}, not to user ${ours}.`,
    `Remove that directory if nothing in it is needed, or leave it: ${USE_ANOTHER_DATABASE}`,
  );
}

function passwordLost(directory: string, passwordFile: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The password of the embedded PostgreSQL in ${directory} is gone: there is no ${passwordFile}.`,
    `Put the file back, or remove the directory if nothing in it is needed. ${USE_ANOTHER_DATABASE}`,
  );
}
