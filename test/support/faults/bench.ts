import { createTestDatabase, type TestDatabase } from '../database.js';
import { queueEnvironment, testedBackend } from '../queue-backend.js';
import { startReceiver, type Receiver } from '../receiver.js';
import { startRedisServer, type RedisServer } from '../redis-server.js';
import { startTestService, type Environment, type TestService } from '../service.js';
import { startOwnedPostgres, type OwnedPostgres } from './owned-postgres.js';
import { FAST_LOCKS, startServiceProcess, type ServiceProcess } from './service-process.js';

export interface BenchOptions {
  /** A PostgreSQL, and on Redis a Redis, that the test may kill. Default: the run's own, which it must not. */
  readonly ownStores?: boolean;
  /** Default: Redis keeps its data when it is killed. */
  readonly forgetfulRedis?: boolean;
  /** Puts PostgreSQL on a disk of this many megabytes. */
  readonly diskMegabytes?: number;
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** The environment of the API in this process and of every other process. */
  readonly environment?: Environment;
  /** Default: `api`. */
  readonly role?: 'api' | 'all';
}

/** Everything a fault needs: the API in this process, a receiver, stores, and as many processes as wanted. */
export interface Bench {
  readonly databaseUrl: string;
  readonly environment: Environment;
  readonly receiver: Receiver;
  readonly api: TestService;
  readonly postgres: OwnedPostgres | undefined;
  readonly redis: RedisServer | undefined;
  /** Starts a number of them, all at the same time. */
  processes(count: number, environment?: Environment, preload?: readonly string[]): Promise<ServiceProcess[]>;
  close(): Promise<void>;
}

export async function startBench(options: BenchOptions = {}): Promise<Bench> {
  const { ownStores = false, role = 'api' } = options;
  const postgres = ownStores
    ? await startOwnedPostgres(options.postgresSettings, options.diskMegabytes)
    : undefined;
  const redis =
    ownStores && testedBackend() === 'redis'
      ? await startRedisServer({ persistent: !options.forgetfulRedis })
      : undefined;
  const database: TestDatabase | undefined = postgres ? undefined : await createTestDatabase();
  const databaseUrl = postgres?.url ?? database?.url ?? '';
  const queue = redis ? { QUEUE_BACKEND: 'redis', REDIS_URL: redis.url } : await queueEnvironment();
  const environment = { ...FAST_LOCKS, ...queue, ...options.environment, DATABASE_URL: databaseUrl };
  const receiver = await startReceiver();
  const api = await startTestService(databaseUrl, { ...environment, PROCESS_ROLE: role });
  const started: ServiceProcess[] = [];
  return {
    databaseUrl,
    environment,
    receiver,
    api,
    postgres,
    redis,
    processes: async (count, more = {}, preload = []) => {
      const processes = await Promise.all(
        Array.from({ length: count }, () =>
          startServiceProcess({ ...environment, PROCESS_ROLE: 'worker', ...more }, preload),
        ),
      );
      started.push(...processes);
      return processes;
    },
    close: async () => {
      await Promise.all(started.map((process) => process.kill()));
      await api.stop();
      await receiver.close();
      await Promise.all([postgres?.stop(), redis?.stop(), database?.drop()]);
    },
  };
}
