import type { ClientBase } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { openDataSource } from '../../src/database/open-data-source.js';
import {
  CallbackRepository,
  type TakeLimits,
  type TakenNow,
} from '../../src/service-callbacks/callbacks/callback.repository.js';
import { HoldRepository } from '../../src/service-callbacks/holds/hold.repository.js';
import { serviceEntities } from '../../src/service-entities.js';
import type { Row } from './history.js';

const COMMIT = '; COMMIT';
const START = Date.UTC(2026, 0, 1);
const TABLES = [
  'service_callbacks',
  'service_callback_payloads',
  'service_callback_news',
  'service_callback_holds',
  'service_callback_apis',
] as const;
/** After this many scenarios, dead rows are removed. TRUNCATE takes as long as a scenario. */
const VACUUM_AFTER = 50;

/** The record in a real PostgreSQL, and the transactions that processes have open in it. */
export class Store {
  readonly callbacks: CallbackRepository;
  readonly holds: HoldRepository;
  private readonly open = new Map<object, QueryRunner>();
  private keepsOpen: object | undefined;
  private known: readonly Row[] = [];
  private isChanged = true;
  private scenarios = 0;
  private statements = 0;
  /** Whether a mutant has replaced a statement. */
  isRewritten = false;
  /** The time of the scenario, Unix ms, for the processes and the database. It advances with each statement. */
  now = START;

  private constructor(
    readonly dataSource: DataSource,
    /** Replaces a part of a statement, for a mutant. */
    private readonly rewrite: (statement: string) => string,
  ) {
    this.callbacks = new CallbackRepository(dataSource);
    this.holds = new HoldRepository(dataSource);
    const create = dataSource.createQueryRunner.bind(dataSource);
    dataSource.createQueryRunner = (mode) => this.watched(create(mode));
  }

  static async open(
    url: string,
    rewrite: (statement: string) => string = (statement) => statement,
  ): Promise<Store> {
    return new Store(await openDataSource({ url, poolSize: 10, entities: [...serviceEntities] }), rewrite);
  }

  close(): Promise<void> {
    return this.dataSource.destroy();
  }

  /** Prepares the next scenario. */
  async empty(): Promise<void> {
    for (const owner of this.open.keys()) await this.end(owner, 'ROLLBACK');
    this.scenarios += 1;
    this.statements = 0;
    this.now = START;
    for (const table of TABLES) await this.dataSource.query(`DELETE FROM ${table}`);
    if (this.scenarios % VACUUM_AFTER === 0) await this.dataSource.query(`VACUUM ${TABLES.join(', ')}`);
  }

  /** Every record at this moment. */
  async rows(): Promise<readonly Row[]> {
    if (!this.isChanged) return this.known;
    this.known = await this.dataSource.query<Row[]>(
      `SELECT id, state, reason, batch, generation, attempt_count,
         (extract(epoch FROM next_attempt_at) * 1000)::float8 AS due_at FROM service_callbacks`,
    );
    this.isChanged = false;
    return this.known;
  }

  /** A transaction of a process, which a later step ends. */
  async begin(owner: object): Promise<EntityManager> {
    const runner = this.dataSource.createQueryRunner();
    this.open.set(owner, runner);
    await runner.query('BEGIN');
    return runner.manager;
  }

  async end(owner: object, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const runner = this.open.get(owner);
    if (!runner) return;
    this.open.delete(owner);
    await runner.query(how);
    await runner.release();
  }

  /** Takes without a commit. */
  async takeOpen(owner: object, limits: TakeLimits): Promise<TakenNow[]> {
    this.keepsOpen = owner;
    try {
      return await this.callbacks.take(limits);
    } finally {
      this.keepsOpen = undefined;
    }
  }

  /** A statement as the mutant has it, at the scenario's time: a scenario has the same result every time. */
  private atModelTime(statement: string): string {
    this.statements += 1;
    this.now += 1;
    const rewritten = this.rewrite(statement);
    this.isRewritten ||= rewritten !== statement;
    // A prepared statement would keep the time in its text.
    return rewritten
      .replace('DO $once$', (prepare) => `DEALLOCATE ALL; ${prepare}`)
      .replaceAll('now()', `to_timestamp(${this.now / 1000})`)
      .replace(
        'n.batch, gen_random_uuid() AS id',
        `n.batch, md5('${this.statements} ' || n.batch)::uuid AS id`,
      );
  }

  private watched(runner: QueryRunner): QueryRunner {
    const connect = runner.connect.bind(runner) as () => Promise<ClientBase>;
    const release = runner.release.bind(runner);
    let isKept = false;
    const run = (client: ClientBase, statement: string, parameters?: unknown[]) => {
      this.isChanged = true;
      const text = this.atModelTime(statement);
      if (this.keepsOpen === undefined || !text.endsWith(COMMIT)) return client.query(text, parameters);
      isKept = true;
      this.open.set(this.keepsOpen, runner);
      return client.query(`${text.slice(0, -COMMIT.length)}; SELECT 1`, parameters);
    };
    return Object.assign(runner, {
      connect: async () => {
        const client = await connect();
        return { query: (statement: string, parameters?: unknown[]) => run(client, statement, parameters) };
      },
      release: async () => {
        if (isKept) isKept = false;
        else await release();
      },
    });
  }
}
