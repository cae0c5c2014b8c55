import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { EmbeddedPostgresError } from './errors.js';

/** A program and how to start it, ready for `spawn`. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** The user that owns the server's files and runs its processes. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  /** The command that runs a program as this user. */
  command(file: string, args: readonly string[]): Command;
}

/**
 * The user that PostgreSQL runs as. It is this process's user, but PostgreSQL refuses root. For root it is the owner of
 * the existing cluster, so that root can use a cluster of an ordinary user, or else `nobody`. No user is created.
 *
 * @param clusterDir the cluster's directory, which may not exist yet
 * @param postgres a program that the user must be able to run
 * @throws EmbeddedPostgresError if this process is root and no other user can run the server
 */
export function findServerUser(clusterDir: string, postgres: string): ServerUser {
  // Both exist on every platform with binaries.
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) return { uid, gid, command: (file, args) => ({ file, args }) };

  const ids = ownerOf(clusterDir) ?? nobody();
  for (const command of [withSetpriv(ids), withSpawn(ids)]) {
    if (canRun(command(postgres, ['--version']))) return { ...ids, command };
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and user ${ids.uid} cannot run it from ${postgres}: setpriv (util-linux) is missing or may not be used, and that directory is closed to other users.`,
    'Run as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own. (DATA_DIR must be a directory that other users can reach, too.)',
  );
}

type Ids = Pick<ServerUser, 'uid' | 'gid'>;

/**
 * Root's checkouts and data directories are often below a directory that only root may enter; `mktemp -d` makes such
 * ones. The server keeps the one capability that lets it in, and no other.
 */
function withSetpriv({ uid, gid }: Ids): ServerUser['command'] {
  const options = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    // initdb finds its programs with access(2), which ignores capabilities unless this is set.
    '--securebits=+no_setuid_fixup',
    '--',
  ];
  return (file, args) => ({ file: 'setpriv', args: [...options, file, ...args] });
}

/** For systems without setpriv (macOS, small images). It works if the user can enter every directory. */
function withSpawn({ uid, gid }: Ids): ServerUser['command'] {
  return (file, args) => ({ file, args, uid, gid });
}

function canRun({ file, args, ...ids }: Command): boolean {
  return spawnSync(file, args, { ...ids, cwd: '/', stdio: 'ignore' }).status === 0;
}

function ownerOf(clusterDir: string): Ids | undefined {
  if (!existsSync(clusterDir)) return undefined;
  const { uid, gid } = statSync(clusterDir);
  return uid === 0 ? undefined : { uid, gid };
}

function nobody(): Ids {
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'nobody');
  const [uid, gid] = [Number(entry?.[2]), Number(entry?.[3])];
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : { uid: 65534, gid: 65534 };
}
