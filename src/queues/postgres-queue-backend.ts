import { AsyncLocalStorage } from 'node:async_hooks';
import {
  assertSchemaCompatibility,
  createPostgresBackend,
  DEFAULT_SCHEMA,
  Queue,
  type BackendFactory,
  type PgPool,
  type Processor,
  type QueueOptions,
  type Worker,
} from 'bullmq';
import pg from 'pg';
import { GuardedPool } from './guarded-pool.js';
import { migrateQueueSchema } from './queue-schema.js';
import { PoolerInBetweenError } from './pooler-in-between.error.js';
import {
  QueueBackend,
  workerTiming,
  type AnyJob,
  type PoolCounts,
  type QueueTiming,
  type QueueWorkerOptions,
} from './queue-backend.js';
import { TolerantWorker } from './tolerant-worker.js';

export interface PostgresQueueOptions extends QueueTiming {
  readonly pool: pg.PoolConfig;
  /** Bring BullMQ's schema up to date on `open()`; false: an outdated one is an error. */
  readonly migrate: boolean;
}

/** Connections that the workers of the two queues keep for `LISTEN`. */
const LISTENING = 2;

/**
 * Where this process falls silent within a transaction, the server ends it: its locks would hold up the stall checks
 * of all the others.
 */
const BEGIN_LAZILY = `BEGIN;
  SET LOCAL synchronous_commit = off;
  SET LOCAL idle_in_transaction_session_timeout = '5s'`;

/** What the backend asks of a connection that is somebody else's. */
export interface CallerConnection {
  query(text: string, parameters?: readonly unknown[]): Promise<unknown>;
}

const factory = createPostgresBackend as unknown as BackendFactory;

/**
 * BullMQ on PostgreSQL. BullMQ would give every queue and worker a pool of its own; here all share one,
 * of which each worker keeps one connection for `LISTEN`.
 */
export class PostgresQueueBackend extends QueueBackend {
  readonly kind = 'postgres';
  private readonly pool: pg.Pool;
  private readonly guarded: GuardedPool;
  /** The connection of the transaction, a caller's or our own, that statements of this flow go to, if any. */
  private readonly caller = new AsyncLocalStorage<CallerConnection>();
  /** Set where statements of this flow are `lazily` made. */
  private readonly lazy = new AsyncLocalStorage<true>();
  /** The last work on each caller's connection: two at once would restore each other's search path. */
  private readonly turns = new WeakMap<CallerConnection, Promise<unknown>>();

  constructor(private readonly options: PostgresQueueOptions) {
    super();
    this.pool = new pg.Pool({
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      application_name: 'service-callbacks queue',
      ...options.pool,
      // BullMQ's statements name no schema; a pool that is given to it brings its own search path.
      options: `-c search_path=${DEFAULT_SCHEMA}`,
    });
    // A connection that drops while idle; whoever needs one next gets another or an error of its own.
    this.pool.on('error', () => undefined);
    this.guarded = new GuardedPool(this.pool);
  }

  async open(): Promise<void> {
    const client = await this.connect();
    try {
      await assertSearchPath(client);
      if (this.options.migrate) await migrateQueueSchema(client);
      else await assertSchemaCompatibility(client);
    } finally {
      client.release();
    }
  }

  private async connect(): Promise<pg.PoolClient> {
    try {
      return await this.pool.connect();
    } catch (error) {
      const { message } = error as { message?: unknown };
      if (typeof message === 'string' && message.includes('startup parameter'))
        throw new PoolerInBetweenError(message, error);
      throw error;
    }
  }

  createQueue(name: string): Queue {
    return new Queue(name, this.queueOptions(this.routedPool()), factory) as unknown as Queue;
  }

  createWorker(name: string, processor: Processor, options: QueueWorkerOptions): Worker {
    const workerOptions = {
      ...options,
      ...workerTiming(this.options),
      connection: this.routedPool(),
      autorun: false,
    };
    return new TolerantWorker(this, name, processor, workerOptions, factory);
  }

  /**
   * Runs `work` so that what it does on this backend's queues goes through the caller's own connection,
   * inside the caller's transaction (R18). BullMQ's schema is on the search path only meanwhile, ahead of
   * the caller's own, so that statements the caller has on the way at the same time still find their tables.
   */
  inTransaction<T>(connection: CallerConnection, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(connection) ?? Promise.resolve();
    const turn = before.then(() => this.onSearchPath(connection, work));
    this.turns.set(
      connection,
      turn.catch(() => undefined),
    );
    return turn;
  }

  private async onSearchPath<T>(connection: CallerConnection, work: () => Promise<T>): Promise<T> {
    const [row] = (await connection.query(`SELECT current_setting('search_path') AS path`)) as {
      path: string;
    }[];
    const path = row?.path ?? '';
    await setSearchPath(connection, path === '' ? DEFAULT_SCHEMA : `${DEFAULT_SCHEMA}, ${path}`);
    try {
      return await this.caller.run(connection, work);
    } finally {
      // Where a failed statement has aborted the transaction this fails too: its rollback restores the path.
      await setSearchPath(connection, path).catch(() => undefined);
    }
  }

  override lazily<T>(work: () => Promise<T>): Promise<T> {
    return this.lazy.run(true, work);
  }

  async replace(job: AnyJob, token: string | undefined, add: () => Promise<unknown>): Promise<boolean> {
    await this.guarded.transaction(BEGIN_LAZILY, (client) =>
      this.caller.run(rowsOf(client), async () => {
        await add();
        await job.moveToCompleted(undefined, token ?? '', false);
      }),
    );
    return true;
  }

  async ping(): Promise<void> {
    // Of the queue's own table: that the database answers is not yet that there is a queue in it.
    await this.pool.query('SELECT FROM job LIMIT 0');
  }

  async now(): Promise<number> {
    const { rows } = await this.pool.query<{ now: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
    );
    return rows[0]?.now ?? Number.NaN;
  }

  /** Rows of a statement on the queue's own database. */
  async query(text: string): Promise<unknown> {
    return (await this.pool.query(text)).rows;
  }

  get commandsAtOnce(): number {
    return Math.max(1, this.pool.options.max - LISTENING);
  }

  override get poolCounts(): PoolCounts {
    return this.pool;
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private queueOptions(pool: PgPool): QueueOptions {
    // The metadata row is shared: an upsert of it inside a caller's transaction would lock everyone out.
    return { connection: pool, skipMetasUpdate: true };
  }

  /** A pool to BullMQ; its statements go to the caller's connection where there is one. */
  private routedPool(): PgPool {
    const query = async (text: string, parameters?: readonly unknown[]) => {
      const caller = this.caller.getStore();
      if (caller) return { rows: (await caller.query(text, parameters)) as unknown[] };
      return this.guarded.query(this.lazy.getStore() ? lazily(text) : text, parameters);
    };
    return {
      query: query as PgPool['query'],
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

/** As a caller's connection is given. */
function rowsOf(client: pg.PoolClient): CallerConnection {
  return {
    query: async (text, parameters = []) =>
      (await client.query<pg.QueryResultRow>(text, [...parameters])).rows,
  };
}

/** Without it the start would succeed, callbacks be accepted, and no worker find the queue's tables. */
async function assertSearchPath(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ search_path: string }>('SHOW search_path');
  const path = rows[0]?.search_path;
  if (path !== DEFAULT_SCHEMA)
    throw new PoolerInBetweenError(`search_path is ${path} instead of ${DEFAULT_SCHEMA}`);
}

/**
 * The same statement in a transaction whose commit does not wait for the disk: a crash undoes those of the last 0.6 s
 * at most (three times `wal_writer_delay`; PostgreSQL's manual, "Asynchronous Commit"). A statement that notifies holds
 * a lock of all that do until its commit is through, so that each would wait for the disk behind the others.
 * @param text a statement that returns rows, as each of BullMQ's does that comes here; no DML within a `WITH`
 */
function lazily(text: string): string {
  const statement = text.trimEnd().replace(/;$/, '');
  return `WITH told AS (${statement}) SELECT told.* FROM told, set_config('synchronous_commit', 'off', true)`;
}

async function setSearchPath(connection: CallerConnection, path: string): Promise<void> {
  await connection.query(`SELECT set_config('search_path', $1, true)`, [path]);
}
