import {
  assertSchemaCompatibility,
  createPostgresBackend,
  DEFAULT_SCHEMA,
  Queue,
  type BackendFactory,
  type PgPool,
} from 'bullmq';
import pg from 'pg';
import { BoundedClient } from '../../database/bounded-client.js';
import { ownTypeParsers } from './own-type-parsers.js';
import { GuardedPool } from './guarded-pool.js';
import { migrateQueueSchema } from './queue-schema.js';
import { PoolerInBetweenError } from './errors.js';
import { FetchingWorker } from './fetching-worker.js';
import { QueueBackend, workerOptions, type PoolCounts, type QueueTiming } from './queue-backend.js';

export interface PostgresQueueOptions extends QueueTiming {
  readonly pool: pg.PoolConfig;
  /** Bring BullMQ's schema up to date in `open()`; false: an outdated schema is an error. */
  readonly migrate: boolean;
}

const factory = createPostgresBackend as unknown as BackendFactory;

/**
 * BullMQ's statements name no schema, so the pool sets the search path. And no commit waits for the disk: if the server
 * crashes and loses the last jobs, the sweep adds them again from the record.
 */
const SETTINGS = `-c search_path=${DEFAULT_SCHEMA} -c synchronous_commit=off`;

/**
 * BullMQ on PostgreSQL. BullMQ would give every queue and worker its own pool. Here all share one, and each worker
 * keeps one of its connections for `LISTEN`.
 */
export class PostgresQueueBackend extends QueueBackend {
  readonly kind = 'postgres';
  private readonly connection: pg.PoolConfig;
  private readonly pool: pg.Pool;
  private readonly guarded: GuardedPool;
  readonly timing: QueueTiming;

  constructor(private readonly options: PostgresQueueOptions) {
    super();
    this.timing = options;
    this.connection = {
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      application_name: 'service-callbacks queue',
      ...withSettings(options.pool),
      types: ownTypeParsers,
    };
    this.pool = new pg.Pool({ ...this.connection, Client: BoundedClient });
    // An idle connection was lost. The next caller gets another one, or an error.
    this.pool.on('error', () => undefined);
    // A connection in use was lost, and its statement fails. BullMQ does not listen for the event, and Node would end
    // the process.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    this.guarded = new GuardedPool(this.pool);
  }

  async open(): Promise<void> {
    // Not from the pool: a migration may take longer than any other statement.
    const client = new pg.Client(this.connection);
    client.on('error', () => undefined);
    await this.connect(client);
    try {
      await assertSearchPath(client);
      if (this.options.migrate) await migrateQueueSchema(client);
      else await assertSchemaCompatibility(client);
    } finally {
      await client.end();
    }
  }

  private async connect(client: pg.Client): Promise<void> {
    try {
      await client.connect();
    } catch (error) {
      const { message } = error as { message?: unknown };
      if (typeof message === 'string' && message.includes('startup parameter'))
        throw new PoolerInBetweenError(message, error);
      throw error;
    }
  }

  createQueue(name: string): Queue {
    return new Queue(
      name,
      { connection: this.sharedPool(), skipMetasUpdate: true },
      factory,
    ) as unknown as Queue;
  }

  async createWorker(name: string): Promise<FetchingWorker> {
    const options = { ...workerOptions(this.options), connection: this.sharedPool() };
    const worker = new FetchingWorker(name, options, factory);
    worker.on('error', () => undefined);
    try {
      // BullMQ never tries again, so the start must fail.
      await worker.waitUntilReady();
      return worker;
    } catch (error) {
      await worker.close(true);
      throw error;
    }
  }

  async ping(): Promise<void> {
    // Reads the queue's own table: a database that responds may have no queue.
    await this.pool.query('SELECT FROM job LIMIT 0');
  }

  async assertWritable(): Promise<void> {
    await this.ping();
    const { rows } = await this.pool.query<{ setting: string }>(
      `SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE current_setting('transaction_read_only') END AS setting`,
    );
    if (rows[0]?.setting !== 'off') throw new Error('the queue’s database is read-only');
  }

  async now(): Promise<number> {
    const { rows } = await this.pool.query<{ now: string }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
    );
    return Number(rows[0]?.now);
  }

  override get poolCounts(): PoolCounts {
    return this.pool;
  }

  async close(): Promise<void> {
    await this.closeQueues();
    await this.pool.end();
  }

  protected createFailFastQueue(name: string): Queue {
    return this.createQueue(name);
  }

  /** A pool that BullMQ may close, as it does: the real one stays open. */
  private sharedPool(): PgPool {
    return {
      query: ((text: string, parameters?: readonly unknown[]) =>
        this.guarded.query(text, parameters)) as PgPool['query'],
      connect: () => this.guarded.connect(),
      end: async () => undefined,
      on(): PgPool {
        return this;
      },
      removeAllListeners(): PgPool {
        return this;
      },
    };
  }
}

/** `pg` prefers the `options` in a URL to other options, so the settings are appended there. */
function withSettings(pool: pg.PoolConfig): pg.PoolConfig {
  const url = URL.parse(pool.connectionString ?? '');
  const options = url?.searchParams.get('options');
  if (!url || !options) return { ...pool, options: SETTINGS };
  url.searchParams.set('options', `${options} ${SETTINGS}`);
  return { ...pool, connectionString: url.href };
}

/**
 * Without this check the start would succeed and callbacks be accepted, but no worker would find the queue's tables.
 */
async function assertSearchPath(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ search_path: string }>('SHOW search_path');
  const path = rows[0]?.search_path;
  if (path !== DEFAULT_SCHEMA)
    throw new PoolerInBetweenError(`search_path is ${path} instead of ${DEFAULT_SCHEMA}`);
}
