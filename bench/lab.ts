import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../src/embedded-postgres/embedded-postgres.js';
import { startRedisServer, type RedisServer } from '../test/support/redis-server.js';
import type { BackendName } from './options.js';
import { Receiver } from './receiver.js';

/** The stores and receivers of one run, all on this machine and removed afterwards. */
export interface Lab {
  readonly backend: BackendName;
  readonly receiver: Receiver;
  /** A database, and on Redis an empty Redis database, for one run. */
  fresh(): Promise<Stores>;
  close(): Promise<void>;
}

export interface Stores {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
}

/** Settings as in production, except that nothing survives a power cut. */
const POSTGRES_SETTINGS = { shared_buffers: '256MB', synchronous_commit: 'on', max_wal_size: '4GB' };

export async function openLab(backend: BackendName): Promise<Lab> {
  const dataDir = await mkdtemp(join(tmpdir(), 'service-callbacks-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir, settings: POSTGRES_SETTINGS });
  const redis = backend === 'redis' ? await startRedisServer() : undefined;
  const receiver = await Receiver.start();
  let count = 0;
  return {
    backend,
    receiver,
    fresh: async () => {
      count += 1;
      return {
        databaseUrl: await createDatabase(postgres, `bench_${count}`),
        redisUrl: redis && `${redis.url}/${count}`,
      };
    },
    close: () => closeAll(postgres, redis, receiver, dataDir),
  };
}

async function createDatabase(postgres: EmbeddedPostgres, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(postgres.url);
  url.pathname = name;
  return url.href;
}

async function closeAll(
  postgres: EmbeddedPostgres,
  redis: RedisServer | undefined,
  receiver: Receiver,
  dataDir: string,
): Promise<void> {
  await receiver.stop();
  await redis?.stop();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
