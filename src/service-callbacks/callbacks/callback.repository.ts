import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { NIL } from 'uuid';
import { retryConflicts } from '../../database/conflicts.js';
import { preparedRows, type Value } from '../../database/prepared-rows.js';
import { rows } from '../../database/rows.js';
import { tableIn } from '../../database/table-in.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import type { TraceCarrier } from '../tracing/trace-carrier.js';
import type { AttemptRecord, DeferralReason, GiveUpReason, HoldReason } from './callback.js';
import {
  anyDueStatement,
  BEGIN,
  giveUpWaitingStatement,
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
  /** A UUID from the endpoint, type, subject and news: the same news has the same key. */
  readonly news_key: string;
  readonly priority: number;
  /** Unix ms. */
  readonly queued_at: number;
  readonly trace: TraceCarrier | null;
  /** Sealed. */
  readonly payload: string;
}

/** What a job needs of a record, and of its endpoint at this moment. */
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
  /** Its batch goes to the main queue: it was never attempted and never deferred. */
  readonly is_first: boolean;
  readonly last_attempt: AttemptRecord | null;
  /** Why it was deferred after its last attempt. */
  readonly detail: DeferralReason | null;
  readonly queued_at: number;
  readonly trace: TraceCarrier | null;
  readonly payload: string | null;
  /** Sealed, as in the database. */
  readonly bearer_token: string;
  readonly signing_secret: string | null;
  readonly previous_secret: string | null;
}

export interface TakenNow extends TakenRow {
  /** Its attempt is a probe of an endpoint on hold. */
  readonly is_probe: boolean;
  readonly hold_reason: HoldReason | null;
  /** The time of the next attempt of an endpoint on hold, Unix ms. */
  readonly next_probe_at: number | null;
  /** The time since which it was due, Unix ms, rounded down; null if it was pending or held. */
  readonly next_attempt_at: number | null;
}

export interface OpenNow extends TakenRow {
  readonly is_deleted: boolean;
  readonly is_disabled: boolean;
}

/** What the `CallbackRecorder` needs of a record. */
export interface ReportedRow {
  readonly id: string;
  readonly service_id: string | null;
  readonly endpoint_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly url: string | null;
  readonly attempt_count: number;
  readonly last_attempt?: AttemptRecord | null;
}

/** A record that the producer did not create. */
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

/** The limits of a take. */
export interface TakeLimits {
  /** Pending callbacks of quiet services. */
  readonly quiet: number;
  /** Other pending callbacks. */
  readonly pending: number;
  readonly due: number;
  /** The most callbacks of a batch, in the main queue and in the retry queue. */
  readonly batchSize: number;
  readonly retryBatchSize: number;
  readonly from: ReadFrom;
}

/** Where a read of pending and due callbacks begins. */
export interface ReadFrom {
  /** For each priority, the seq after which pending callbacks are read. Others are not read. */
  readonly after: ReadonlyMap<number, number>;
  /** Callbacks that were due before this time are not read, Unix ms. */
  readonly dueSince: number;
}

/** The limits of a take of held callbacks. */
export interface HeldLimits {
  readonly batchSize: number;
  /** The most probes at one time, over all processes. */
  readonly probes: number;
  /** The most callbacks of one endpoint that are released and not settled. */
  readonly maxWindow: number;
  /** The most callbacks that are released. */
  readonly released: number;
}

/** The most bytes of sealed payload in a batch: they bound the size of a job. */
const MAX_BATCH_BYTES = 256 * 1024;
/** The key of PostgreSQL's advisory lock: only the relay that has it takes callbacks. */
const RELAY_LOCK = 7_364_120_021;

type Statement = (tables: Tables) => string;

export function tablesOf(dataSource: DataSource): Tables {
  return {
    callbacks: tableIn(dataSource, 'service_callbacks'),
    payloads: tableIn(dataSource, 'service_callback_payloads'),
    news: tableIn(dataSource, 'service_callback_news'),
    holds: tableIn(dataSource, 'service_callback_holds'),
    endpoints: tableIn(dataSource, 'service_callback_apis'),
  };
}

/** The record of every callback: it runs the transitions of the state machine. */
@Injectable()
export class CallbackRepository {
  private known: Tables | undefined;

  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /**
   * Inserts callbacks, unless their news has a record.
   * @param news each id once
   * @param manager the caller's, so that the callbacks commit with the caller's transaction
   * @returns for each id of `news`, the id of the record with this news; another id for a duplicate
   */
  async insert(news: readonly NewCallback[], manager?: EntityManager): Promise<Map<string, string>> {
    const sorted = news.toSorted((one, other) => (one.news_key < other.news_key ? -1 : 1));
    const given = [storableJson(sorted)];
    type Inserted = { readonly id: string; readonly record_id: string | null };
    const inserted = await this.run<Inserted>(insertStatement, given, manager);
    const recordIds = new Map(inserted.map(({ id, record_id: recordId }) => [id, recordId]));
    const unseen = news.filter(({ id }) => (recordIds.get(id) ?? null) === null);
    if (unseen.length === 0) return recordIds as Map<string, string>;
    const committed = await this.findCommitted(unseen, manager);
    for (const { id, news_key } of unseen) recordIds.set(id, committed.get(news_key) ?? null);
    // Maintenance has cleared the keys of the others just now: they are news again.
    const cleared = unseen.filter(({ news_key }) => !committed.has(news_key));
    const insertedNow = cleared.length > 0 ? await this.insert(cleared, manager) : [];
    return new Map([...recordIds, ...insertedNow]) as Map<string, string>;
  }

  /** Finds the same news that another transaction committed during this insert: ids by key. */
  private async findCommitted(
    unseen: readonly NewCallback[],
    manager?: EntityManager,
  ): Promise<Map<string, string>> {
    const keys = unseen.map(({ news_key }) => news_key);
    const found = await this.run<{ id: string; news_key: string }>(findNewsStatement, [keys], manager);
    return new Map(found.map(({ id, news_key }) => [news_key, id]));
  }

  /** Whether any callback is pending or due. */
  async isAnyDue({ after, dueSince }: ReadFrom): Promise<boolean> {
    const marks = [[...after.keys()], [...after.values()], dueSince];
    const [row] = await this.transact<{ any_due: boolean }>(anyDueStatement, marks);
    return row?.any_due === true;
  }

  /** Takes pending and due callbacks into batches. Empty if another process takes at this moment. */
  take({ quiet, pending, due, batchSize, retryBatchSize, from }: TakeLimits): Promise<TakenNow[]> {
    const marks = [[...from.after.keys()], [...from.after.values()]];
    const limits = [batchSize, MAX_BATCH_BYTES, ...marks, quiet, pending, due, retryBatchSize, from.dueSince];
    return this.mark(takeStatement, limits);
  }

  /** Takes held callbacks into batches: probes, and callbacks of holds that are being released. */
  takeHeld({ batchSize, probes, maxWindow, released }: HeldLimits): Promise<TakenNow[]> {
    const limits = [batchSize, MAX_BATCH_BYTES, probes, maxWindow, released];
    return this.mark(takeHeldStatement, limits);
  }

  /**
   * The commit does not wait for the disk. If the server crashes and loses a mark, the callbacks are taken again. A
   * callback is then sent twice if its job is in another store.
   */
  private mark(statement: Statement, limits: readonly Value[]): Promise<TakenNow[]> {
    return this.transact(statement, [RELAY_LOCK, ...limits], `${BEGIN}; SET LOCAL synchronous_commit = off`);
  }

  /**
   * Makes some of the callbacks due that wait behind a hold that no longer exists.
   * @returns how many
   */
  async releaseStranded(limit: number): Promise<number> {
    return (await this.transact(strandedStatement, [limit])).length;
  }

  /**
   * Writes the dispositions of callbacks.
   * @param settlements each id once
   * @returns for each record, whether its state changed; ids without a record are missing
   */
  async settle(settlements: readonly Settlement[]): Promise<Map<string, boolean>> {
    const sorted = settlements.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    const given = storableJson(sorted.map(settlementRow));
    const settled = await this.transact<{ id: string; applied: boolean }>(settleStatement, [given]);
    return new Map(settled.map(({ id, applied }) => [id, applied]));
  }

  /** The open callbacks of a batch, with their endpoints at this moment. */
  openOfBatch(batch: string, ids: readonly string[]): Promise<OpenNow[]> {
    return this.transact<OpenNow>(openOfBatchStatement, [batch, `{${ids.join()}}`]);
  }

  /** Runs work on a connection that is released at its end: no connection is held during a request. */
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

  /**
   * Batches that were marked more than this long ago, ms, in the order of their ids.
   * @param after the batch after which it continues; default: from the first
   */
  async oldBatches(olderThanMs: number, limit: number, after: string = NIL): Promise<string[]> {
    const found = await this.run<{ batch: string }>(oldBatchesStatement, [olderThanMs, limit, after]);
    return found.map(({ batch }) => batch);
  }

  async idsOfBatch(batch: string): Promise<string[]> {
    const found = await this.run<{ id: string }>(idsOfBatchStatement, [batch]);
    return found.map(({ id }) => id);
  }

  /**
   * Called before the request of a batch of one.
   * @returns how many such requests of this callback were begun and not settled, this one included
   */
  async markAttempt(id: string, batch: string): Promise<number> {
    const [row] = await this.run<{ stalls: number }>(markAttemptStatement, [id, batch]);
    return row?.stalls ?? 0;
  }

  /** @returns how many of its callbacks were open */
  async rescheduleBatch(batch: string, delayMs: number): Promise<number> {
    return (await this.run(rescheduleBatchStatement, [batch, delayMs])).length;
  }

  /** Gives up some of the callbacks that wait for an endpoint. */
  giveUpWaiting(
    endpointId: string,
    reason: 'cancelled' | 'disabled',
    limit: number,
    manager?: EntityManager,
  ): Promise<ReportedRow[]> {
    return this.run<ReportedRow>(giveUpWaitingStatement, [endpointId, reason, limit], manager);
  }

  /** Gives up some of the callbacks that are older than the maximum age. */
  expire(maxAgeMs: number, limit: number): Promise<ReportedRow[]> {
    return this.transact<ReportedRow>(expireStatement, [maxAgeMs, limit]);
  }

  /**
   * Starts the next generation of finished callbacks.
   * @returns the ids of those that were finished
   */
  async replay(ids: readonly string[], priority: number, manager?: EntityManager): Promise<string[]> {
    const replayed = await this.run<{ id: string }>(replayStatement, [ids, priority], manager);
    return replayed.map(({ id }) => id);
  }

  /** @returns false if its id has a record already */
  async record(record: ForeignRecord): Promise<boolean> {
    return (await this.run(recordStatement, [storableJson(record)])).length > 0;
  }

  /** How long the oldest due callback has waited, ms; 0 if none is due. */
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

  /** Runs a statement as a transaction of its own, with a plan that uses the indexes and is kept. */
  private transact<Row extends object>(
    statement: Statement,
    values: readonly Value[],
    begin = BEGIN,
  ): Promise<Row[]> {
    return retryConflicts(() =>
      this.onConnection((_, queryRunner) =>
        preparedRows<Row>(queryRunner, begin, statement(this.tables), values),
      ),
    );
  }

  private run<Row extends object>(
    statement: Statement,
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
