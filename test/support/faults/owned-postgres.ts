import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../../src/embedded-postgres/embedded-postgres.js';
import { migrateDatabase } from '../../../src/migrate-database.js';
import { startForwarder } from './forwarder.js';
import { SmallDisk } from './small-disk.js';

/** A PostgreSQL of one test's own that can crash. Its URL stays the same. */
export interface OwnedPostgres {
  readonly url: string;
  /** An `immediate` shutdown: no checkpoint, and the next start recovers from the log. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
  /** Its disk, if it has a size. */
  readonly disk: SmallDisk | undefined;
}

/**
 * @param settings beside `fsync = off`: no test causes a power cut
 * @param diskMegabytes the size of its own disk, if a file system can be mounted
 */
export async function startOwnedPostgres(
  settings: Readonly<Record<string, string>> = {},
  diskMegabytes?: number,
): Promise<OwnedPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'service-callbacks-faults-'));
  const disk = diskMegabytes === undefined ? undefined : new SmallDisk(dataDir, diskMegabytes);
  const launch = () => startEmbeddedPostgres({ dataDir, settings: { fsync: 'off', ...settings } });
  let cluster = await launch();
  const forwarder = await startForwarder(cluster.port);
  const url = new URL(cluster.url);
  url.port = String(forwarder.port);
  await migrateDatabase(url.href);
  return {
    url: url.href,
    disk,
    crash: async () => {
      const [pid] = (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
      process.kill(Number(pid), 'SIGQUIT');
      await cluster.stop();
      await forwarder.down();
    },
    start: async () => {
      cluster = await launch();
      await forwarder.up(cluster.port);
    },
    stop: async () => {
      await forwarder.down();
      await cluster.stop();
      disk?.remove();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
