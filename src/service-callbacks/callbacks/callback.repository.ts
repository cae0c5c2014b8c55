import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { retryConflicts } from '../../database/conflicts.js';
import { preparedRows } from '../../database/prepared-rows.js';
import { rows } from '../../database/rows.js';
import { tableIn } from '../../database/table-in.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import type { TraceCarrier } from '../tracing/trace-carrier.js';
import type { AttemptRecord, DeferralReason, GiveUpReason, HoldReason } from './callback.js';
import {
  anyDueStatement,
  BEGIN,
  endOfEndpointStatement,
  expireStatement,
  findNewsStatement,
  idsOfBatchStatement,
  insertStatement,
  markAttemptStatement,
  oldBatchesStatement,
  openOfBatchStatement,
  recordStatement,
  replayStatement,
  rescheduleBatchStatement,
  settlementRow,
  settleStatement,
  strandedStatement,
  takeHeldStatement,
  takeStatement,
  type CallbackState,
  type Settlement,
  type Tables,
} from './state-machine.js';
import { storableJson } from '../../database/storable-json.js';

/** A callback as the producer inserts it. */
export interface NewCallback {
  readonly id: string;
  readonly service_id: string;
  readonly endpoint_id: string;
  readonly callback_type: string;
  readonly subject_id: string;
  readonly url: string;
  /** A UUID made of the endpoint, type, subject and news: the same news has the same key. */
  readonly news_key: string;
  readonly priority: number;
  /** Unix ms. */
  readonly queued_at: number;
  readonly trace: TraceCarrier | null;
  /** Sealed. */
  readonly payload: string;
}

/** What a job needs of a record and of its endpoint as it is now. */
export interface TakenRow {
  readonly id: string;
  readonly state: CallbackState;
  readonly reason: GiveUpReason | null;
  readonly batch: string;
  readonly priority: number;
  readonly seq: number;
  readonly service_id: string;
  readonly endpoint_id: string;
  readonly callback_type: string;
  readonly subject_id: string;
  readonly url: string;
  readonly generation: number;
  readonly attempt_count: number;
  readonly earlier_attempts: number;
  readonly alone: boolean;
  /** Its batch is of the main queue: nothing of it was ever attempted or deferred. */
  readonly is_first: boolean;
  readonly last_attempt: AttemptRecord | null;
  readonly queued_at: number;
  readonly trace: TraceCarrier | null;
  readonly payload: string | null;
  /** Sealed as they are stored. */
  readonly bearer_token: string;
  readonly signing_secret: string | null;
  readonly previous_secret: string | null;
}

export interface TakenNow extends TakenRow {
  /** It finds out whether its endpoint, on hold, responds again. */
  readonly is_probe: boolean;
  readonly hold_reason: HoldReason | null;
  /** When its endpoint on hold may get the next attempt, Unix ms. */
  readonly next_probe_at: number | null;
}

export interface OpenNow extends TakenRow {
  /** Why it was deferred before this attempt. */
  readonly detail: DeferralReason | null;
  readonly is_deleted: boolean;
  readonly is_disabled: boolean;
}

/** A callback that ended without a worker. */
export interface EndedRow {
  readonly id: string;
  readonly service_id: string | null;
  readonly endpoint_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly url: string | null;
  readonly attempt_count: number;
  readonly last_attempt?: AttemptRecord | null;
}

/** A record that did not come through the producer. */
export interface ForeignRecord {
  readonly id: string;
  readonly service_id: string | null;
  readonly endpoint_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly url: string | null;
  readonly state: 'pending' | 'given_up';
  readonly reason: GiveUpReason | null;
  readonly detail: string | null;
  readonly generation: number;
  readonly attempts: readonly AttemptRecord[];
  readonly earlier_attempts: number;
  readonly queued_at: number;
  readonly trace: TraceCarrier | null;
  readonly payload: string | null;
}

/** What limits a take. */
export interface TakeLimits {
  readonly pending: number;
  /** Of them, those of quiet services; may be more than `pending`. */
  readonly quiet: number;
  readonly due: number;
  /** Callbacks a batch. */
  readonly batchSize: number;
  /** Per priority, the seq after which it is read. */
  readonly after: ReadonlyMap<number, number>;
}

/** What limits a take of held callbacks. */
export interface HeldLimits {
  readonly batchSize: number;
  /** Probes that may be out at once, over all processes. */
  readonly probes: number;
  /** Callbacks of one endpoint that are released and not settled. */
  readonly maxWindow: number;
}

/** The interval of probes doubles up to this, ms. */
const MAX_PROBE_INTERVAL_MS = 600_000;
/** Sealed payload a batch, bytes: what bounds a job. */
const MAX_BATCH_BYTES = 256 * 1024;
/** The relay that holds it takes; the key of PostgreSQL's advisory lock. */
const RELAY_LOCK = 7_364_120_021;

export function tablesOf(dataSource: DataSource): Tables {
  return {
    callbacks: tableIn(dataSource, 'service_callbacks'),
    payloads: tableIn(dataSource, 'service_callback_payloads'),
    news: tableIn(dataSource, 'service_callback_news'),
    holds: tableIn(dataSource, 'service_callback_holds'),
    endpoints: tableIn(dataSource, 'service_callback_apis'),
  };
}

/** The record of every callback: carries out the transitions of the state machine. */
@Injectable()
export class CallbackRepository {
  private known: Tables | undefined;

  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /**
   * Inserts callbacks whose news has no record yet.
   * @param news each id once
   * @param manager the caller's, so that they commit with the caller's transaction
   * @returns per id of `news`, the id of the record that has the news: another one where it is a duplicate
   */
  async insert(news: readonly NewCallback[], manager?: EntityManager): Promise<Map<string, string>> {
    const sorted = news.toSorted((one, other) => (one.news_key < other.news_key ? -1 : 1));
    const given = [storableJson(sorted)];
    const inserted = await this.run<{ id: string; kept: string | null }>(insertStatement, given, manager);
    const kept = new Map(inserted.map(({ id, kept: by }) => [id, by]));
    const unseen = news.filter(({ id }) => (kept.get(id) ?? null) === null);
    if (unseen.length > 0) await this.findCommitted(unseen, kept, manager);
    return kept as Map<string, string>;
  }

  /** The same news that another transaction committed while this one inserted. */
  private async findCommitted(
    unseen: readonly NewCallback[],
    kept: Map<string, string | null>,
    manager?: EntityManager,
  ): Promise<void> {
    const keys = unseen.map(({ news_key }) => news_key);
    const found = await this.run<{ id: string; news_key: string }>(findNewsStatement, [keys], manager);
    const byKey = new Map(found.map(({ id, news_key }) => [news_key, id]));
    // A record whose key was cleared within this moment is a duplicate all the same; its id is not known any more.
    for (const { id, news_key } of unseen) kept.set(id, byKey.get(news_key) ?? '');
  }

  /** Whether anything is pending or due. @param after per priority, the seq after which it is read */
  async isAnyDue(after: TakeLimits['after']): Promise<boolean> {
    const marks = [[...after.keys()], [...after.values()]];
    const [row] = await this.onConnection((_, queryRunner) =>
      preparedRows<{ any_due: boolean }>(queryRunner, BEGIN, anyDueStatement(this.tables), marks),
    );
    return row?.any_due === true;
  }

  /** Takes pending and due callbacks into batches. Empty where another process takes at this moment. */
  take({ pending, quiet, due, batchSize, after }: TakeLimits): Promise<TakenNow[]> {
    const marks = [[...after.keys()], [...after.values()]];
    return this.mark(takeStatement(this.tables), [batchSize, MAX_BATCH_BYTES, ...marks, pending, quiet, due]);
  }

  /** Takes held callbacks into batches: probes, and those of holds that are being released. */
  takeHeld({ batchSize, probes, maxWindow }: HeldLimits): Promise<TakenNow[]> {
    const limits = [batchSize, MAX_BATCH_BYTES, probes, maxWindow, MAX_PROBE_INTERVAL_MS];
    return this.mark(takeHeldStatement(this.tables), limits);
  }

  /**
   * Without a wait for the disk: where a crash of the server undoes a mark, the callbacks are taken again. A callback
   * is sent twice then if its job is in a store of its own.
   */
  private mark(statement: string, numbers: readonly (number | readonly number[])[]): Promise<TakenNow[]> {
    return retryConflicts(() =>
      this.onConnection((_, queryRunner) =>
        preparedRows<TakenNow>(queryRunner, `${BEGIN}; SET LOCAL synchronous_commit = off`, statement, [
          RELAY_LOCK,
          ...numbers,
        ]),
      ),
    );
  }

  /** Callbacks that wait behind a hold that is gone are due at once. @returns how many. */
  async releaseStranded(): Promise<number> {
    return (await this.byIndexes((manager) => this.run(strandedStatement, [], manager))).length;
  }

  /**
   * Writes the dispositions of callbacks.
   * @param settlements each id once
   * @returns whether the state of each record changed; ids that have no record any more are not in it
   */
  async settle(settlements: readonly Settlement[]): Promise<Map<string, boolean>> {
    const sorted = settlements.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    const given = storableJson(sorted.map(settlementRow));
    const settled = await this.byIndexes((manager) =>
      this.run<{ id: string; applied: boolean }>(settleStatement, [given], manager),
    );
    return new Map(settled.map(({ id, applied }) => [id, applied]));
  }

  /** Those of a batch that are still to be sent, with their endpoints as they are now. */
  openOfBatch(batch: string, ids: readonly string[]): Promise<OpenNow[]> {
    return this.onConnection((manager) => this.run<OpenNow>(openOfBatchStatement, [batch, ids], manager));
  }

  /** Work before a request, on a connection that is released when it ends: none is held while an endpoint is waited for. */
  async onConnection<T>(
    work: (manager: EntityManager, queryRunner: QueryRunner) => T | Promise<T>,
  ): Promise<T> {
    const queryRunner = this.dataSource.createQueryRunner();
    try {
      return await work(queryRunner.manager, queryRunner);
    } finally {
      await queryRunner.release();
    }
  }

  /** Batches that were marked longer ago than this, ms. */
  async oldBatches(olderThanMs: number, limit: number): Promise<string[]> {
    const found = await this.run<{ batch: string }>(oldBatchesStatement, [olderThanMs, limit]);
    return found.map(({ batch }) => batch);
  }

  async idsOfBatch(batch: string): Promise<string[]> {
    const found = await this.run<{ id: string }>(idsOfBatchStatement, [batch]);
    return found.map(({ id }) => id);
  }

  /** Before the request of a batch of one. @returns how often such a request was begun and not settled, this included */
  async markAttempt(id: string, batch: string): Promise<number> {
    const [row] = await this.run<{ stalls: number }>(markAttemptStatement, [id, batch]);
    return row?.stalls ?? 0;
  }

  /** @returns how many of its callbacks were still to be sent. */
  async rescheduleBatch(batch: string, delayMs: number): Promise<number> {
    return (await this.run(rescheduleBatchStatement, [batch, delayMs])).length;
  }

  /** Ends some of what waits behind an endpoint. */
  endOfEndpoint(
    endpointId: string,
    reason: 'cancelled' | 'disabled',
    limit: number,
    manager?: EntityManager,
  ): Promise<EndedRow[]> {
    return this.run<EndedRow>(endOfEndpointStatement, [endpointId, reason, limit], manager);
  }

  /** Ends some of what is older than the maximum age. */
  expire(maxAgeMs: number, limit: number): Promise<EndedRow[]> {
    return this.byIndexes((manager) => this.run<EndedRow>(expireStatement, [maxAgeMs, limit], manager));
  }

  /** Starts the next generation of finished callbacks. @returns the ids of those that were finished. */
  async replay(ids: readonly string[], priority: number, manager?: EntityManager): Promise<string[]> {
    const replayed = await this.run<{ id: string }>(replayStatement, [ids, priority], manager);
    return replayed.map(({ id }) => id);
  }

  /** @returns false where its id has a record already. */
  async record(record: ForeignRecord): Promise<boolean> {
    return (await this.run(recordStatement, [storableJson(record)])).length > 0;
  }

  /** How long the callback has waited that has been due for longest, ms; 0 where none is due. */
  async oldestDueMs(): Promise<number> {
    const { callbacks } = this.tables;
    const [row] = await rows<{ waited: number | null }>(
      this.dataSource,
      `SELECT (extract(epoch FROM now() - min(due)) * 1000)::bigint AS waited FROM (
         SELECT min(changed_at) AS due FROM (
           SELECT changed_at FROM ${callbacks} WHERE state = 'pending' ORDER BY priority, seq LIMIT 1000) pending
         UNION ALL
         (SELECT next_attempt_at FROM ${callbacks} WHERE state = 'scheduled' ORDER BY next_attempt_at LIMIT 1)
         UNION ALL
         SELECT min(batched_at) FROM (SELECT batched_at FROM ${callbacks} WHERE state = 'queued' LIMIT 20000) queued
       ) oldest`,
    );
    return Math.max(0, row?.waited ?? 0);
  }

  /** A transaction whose plans go by the indexes; repeated after a conflict. */
  private byIndexes<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return retryConflicts(() => {
      return this.onConnection(async (manager) => {
        try {
          await manager.query(BEGIN);
          const result = await work(manager);
          await manager.query('COMMIT');
          return result;
        } catch (error) {
          await manager.query('ROLLBACK').catch(() => undefined);
          throw error;
        }
      });
    });
  }

  private run<Row extends object>(
    statement: (tables: Tables) => string,
    parameters: readonly unknown[],
    manager?: EntityManager,
  ): Promise<Row[]> {
    return rows<Row>(manager ?? this.dataSource, statement(this.tables), parameters);
  }

  private get tables(): Tables {
    this.known ??= tablesOf(this.dataSource);
    return this.known;
  }
}
