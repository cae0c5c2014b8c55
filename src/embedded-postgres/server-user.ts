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

/** The user that the server's files belong to and its processes run as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  /** The command that runs a program as this user. */
  command(file: string, args: readonly string[]): Command;
}

/**
 * Who PostgreSQL runs as: this process's own user, unless that is root, whom it refuses. Then it is the
 * owner of the cluster if there is one already (so that root can use what an ordinary user made), and
 * `nobody` otherwise; no user is created.
 *
 * @param clusterDir the cluster's directory, which need not exist
 * @param postgres a program that the user must be able to run
 * @throws EmbeddedPostgresError when this process is root and nothing lets another user run the server
 */
export function findServerUser(clusterDir: string, postgres: string): ServerUser {
  // Both exist on every platform that has binaries.
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
 * A checkout or a data directory made by root is often below a directory that root alone may enter
 * (`mktemp -d` makes them so). The one capability that lets the server in is kept for it, and nothing else.
 */
function withSetpriv({ uid, gid }: Ids): ServerUser['command'] {
  const options = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    // Without it access(2), by which initdb finds its programs, checks what the user may do without capabilities.
    '--securebits=+no_setuid_fixup',
    '--',
  ];
  return (file, args) => ({ file: 'setpriv', args: [...options, file, ...args] });
}

/** Where there is no setpriv (macOS, small images): enough as long as every directory can be entered. */
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
