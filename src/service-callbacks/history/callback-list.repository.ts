import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/conflicts.js';
import { rows } from '../../database/rows.js';
import type { DeliveryLogOptions } from '../service-callbacks.options.js';
import { CALLBACKS_DATA_SOURCE, DELIVERY_LOG_OPTIONS } from '../tokens.js';
import type { AttemptRecord, GiveUpReason } from '../callbacks/callback.js';
import { tablesOf } from '../callbacks/callback.repository.js';
import {
  LOG_STATES,
  type LogCursor,
  type LogFilter,
  type LoggedAttempt,
  type LoggedCallback,
  type LoggedCallbackWithAttempts,
  type LogScope,
  type LogState,
} from './records.js';
import { SqlParameters } from '../../database/sql-parameters.js';
import type { CallbackState } from '../callbacks/state-machine.js';
import type { UuidRange } from './uuid-range.js';

interface Row {
  readonly id: string;
  readonly service_id: string | null;
  readonly endpoint_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly url: string | null;
  readonly state: CallbackState;
  readonly reason: GiveUpReason | null;
  readonly detail: string | null;
  readonly generation: number;
  readonly attempt_count: number;
  readonly first_attempt: string | null;
  readonly last_attempt: Omit<AttemptRecord, 'excerpt' | 'headers'> | null;
  readonly queued_at: Date;
  readonly generation_at: Date;
  readonly finished_at: Date | null;
  readonly next_attempt_at: Date | null;
  readonly next_probe_at: Date | null;
  readonly replay_requested_at: Date | null;
  readonly is_endpoint_deleted: boolean;
}

const COLUMNS = `id, service_id, endpoint_id, callback_type, subject_id, url, state, reason, detail, generation,
  attempt_count, attempts->0->>'at' AS first_attempt, (attempts->-1) - '{excerpt,headers}'::text[] AS last_attempt,
  queued_at, generation_at, finished_at, next_attempt_at, replay_requested_at`;

const TIMES = [
  'queued_at',
  'generation_at',
  'finished_at',
  'next_attempt_at',
  'next_probe_at',
  'replay_requested_at',
] as const;

/** The most rows that a search reads, and that a list by type or reason reads of each state. */
const LOOKED_AT = 10_000;

/**
 * The planner walks an index and stops, even if old statistics make it expect few rows. This lasts until the
 * transaction ends.
 */
const IN_ORDER = `SELECT set_config(name, 'off', true)
  FROM unnest(ARRAY['enable_sort', 'enable_seqscan', 'enable_bitmapscan']) name`;

const NEWEST_FIRST = 'ORDER BY queued_at DESC, id DESC';

/** Appended to a prefix, it gives a text that is greater than all texts with the prefix. */
const LAST_CHARACTER = '\u{10ffff}';

/** The states of the record for each shown state. Each is read from its own stretch of an index. */
const STRETCHES: Readonly<Record<LogState, readonly string[]>> = {
  waiting: [`= 'pending'`, `= 'queued'`],
  retrying: [`= 'scheduled' AND detail IS NULL`],
  deferred: [`= 'scheduled' AND detail IS NOT NULL`, `= 'held'`],
  delivered: [`= 'delivered'`],
  given_up: [`= 'given_up'`],
};

interface FoundCallbacks {
  readonly callbacks: LoggedCallback[];
  /** Newer rows have been read, older ones have not; null: there are no older ones. */
  readonly lookedUntil: LogCursor | null;
}

/** Lists of callbacks. */
@Injectable()
export class CallbackListRepository {
  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly options: DeliveryLogOptions,
  ) {}

  /**
   * Newest first. Each state is read from its own stretch of an index, and the results are merged. No index has the
   * type and the reason: with these, a bounded number of rows of each stretch is read, so that fewer than `limit` may
   * be found before the end. All rows of an endpoint belong to one service, so the service is checked on the rows that
   * were found.
   */
  async list(scope: LogScope, filter: LogFilter, limit: number, after?: LogCursor): Promise<FoundCallbacks> {
    const parameters = new SqlParameters();
    const stretches = this.stretches(parameters, scope, filter, after);
    if (stretches.length === 0) return { callbacks: [], lookedUntil: null };
    const wanted = withoutIndex(parameters, filter).join(' AND ');
    const owned = isOwn(parameters, scope);
    const pageSize = parameters.add(limit);
    const ofEach = stretches.map((stretch) =>
      wanted === ''
        ? `(SELECT ${COLUMNS} ${stretch} LIMIT ${pageSize})`
        : `(SELECT ${COLUMNS} FROM (SELECT * ${stretch} LIMIT ${LOOKED_AT}) looked_at
            WHERE ${wanted} ${NEWEST_FIRST} LIMIT ${pageSize})`,
    );
    const page = async (database: DataSource | EntityManager) => {
      const found = await rows<Row>(
        database,
        `SELECT page.*, ${this.ofEndpoint('page')}
         FROM (SELECT * FROM (${ofEach.join(' UNION ALL ')}) found WHERE ${owned}
           ${NEWEST_FIRST} LIMIT ${pageSize}) page ${NEWEST_FIRST}`,
        parameters.values,
        TIMES,
      );
      return found.map(callbackOf);
    };
    if (wanted === '') return { callbacks: await page(this.dataSource), lookedUntil: null };
    return inTransaction(this.dataSource, async (manager) => {
      await manager.query(IN_ORDER);
      const callbacks = await page(manager);
      // A callback that is queued after the page was read is newer: it does not change where the page ends.
      const lookedUntil = await this.lookedUntil(manager, scope, filter, after);
      const isLookedAt = (one: LogCursor) => lookedUntil === null || !isOlder(one, lookedUntil);
      return { callbacks: callbacks.filter(isLookedAt), lookedUntil };
    });
  }

  /** For each state, the part of an index that a list reads. */
  private stretches(
    parameters: SqlParameters,
    scope: LogScope,
    filter: LogFilter,
    after?: LogCursor,
  ): string[] {
    const where = conditions(parameters, filter, after);
    if (filter.callbackApiId === undefined) where.push(isOwn(parameters, scope));
    const hasIndex =
      scope !== 'all' ||
      [filter.callbackApiId, filter.subjectId, filter.replayId].some((value) => value !== undefined);
    return (
      statesOf(filter)
        .flatMap((state) => STRETCHES[state])
        // The lists' indexes leave out queued rows, of which there are few.
        .map((stretch) => `${hasIndex || stretch === `= 'queued'` ? 'state' : `state || ''`} ${stretch}`)
        .map((stretch) => [stretch, notQueued(stretch), this.shown, ...where].join(' AND '))
        .map((condition) => `FROM ${this.table} WHERE ${condition} ${NEWEST_FIRST}`)
    );
  }

  /** The newest of the last rows that a page looks at; null: it looks at all. */
  private async lookedUntil(
    manager: EntityManager,
    scope: LogScope,
    filter: LogFilter,
    after?: LogCursor,
  ): Promise<LogCursor | null> {
    const parameters = new SqlParameters();
    const last = this.stretches(parameters, scope, filter, after).map(
      (stretch) => `(SELECT queued_at, id ${stretch} OFFSET ${LOOKED_AT - 1} LIMIT 1)`,
    );
    const [until] = await rows<LogCursor>(
      manager,
      `SELECT queued_at AS "queuedAt", id FROM (${last.join(' UNION ALL ')}) last ${NEWEST_FIRST} LIMIT 1`,
      parameters.values,
      ['queuedAt'],
    );
    return until ?? null;
  }

  async find(scope: LogScope, id: string): Promise<LoggedCallbackWithAttempts | null> {
    const parameters = new SqlParameters();
    const where = [`id = ${parameters.add(id)}`, this.shown];
    if (scope !== 'all') where.push(`service_id = ${parameters.add(scope.serviceId)}`);
    const [row] = await rows<Row & { readonly attempts: readonly AttemptRecord[]; has_payload: boolean }>(
      this.dataSource,
      `SELECT ${COLUMNS}, attempts, ${this.ofEndpoint('c')},
         EXISTS (SELECT FROM ${this.tables.payloads} p WHERE p.id = c.id) AS has_payload
       FROM ${this.table} c WHERE ${where.join(' AND ')}`,
      parameters.values,
      TIMES,
    );
    if (!row) return null;
    const attempts = row.attempts.map(attemptOf);
    return {
      ...callbackOf(row),
      attempts: attempts.toSorted((one, other) => one.at.getTime() - other.at.getTime()),
      hasPayload: row.has_payload,
    };
  }

  /**
   * The sealed payload of a callback.
   * @returns null if none is kept, or the service has no such callback
   */
  async sealedPayload(serviceId: string, id: string): Promise<string | null> {
    const [row] = await rows<{ payload: string }>(
      this.dataSource,
      `SELECT p.payload FROM ${this.tables.payloads} p JOIN ${this.table} c ON c.id = p.id
       WHERE c.id = $1 AND c.service_id = $2`,
      [id, serviceId],
    );
    return row?.payload ?? null;
  }

  /**
   * Columns of the callback's endpoint. A held callback waits for the endpoint's next probe, or the end of its hold.
   */
  private ofEndpoint(row: string): string {
    const { endpoints, holds } = this.tables;
    return `(SELECT h.next_probe_at FROM ${holds} h
        WHERE ${row}.state = 'held' AND h.endpoint_id = ${row}.endpoint_id AND h.state = 'open') AS next_probe_at,
      NOT EXISTS (SELECT FROM ${endpoints} e WHERE e.id = ${row}.endpoint_id) AS is_endpoint_deleted`;
  }

  /** Callbacks with ids in a range, newest first. */
  withIds(scope: LogScope, [first, last]: UuidRange, limit: number): Promise<LoggedCallback[]> {
    const parameters = new SqlParameters();
    const range = `id BETWEEN ${parameters.add(first)} AND ${parameters.add(last)}`;
    return this.among(`WHERE ${range} ORDER BY id LIMIT ${LOOKED_AT}`, parameters, scope, limit);
  }

  /** Callbacks whose subject begins with a text, newest first. */
  withSubject(scope: LogScope, beginning: string, limit: number): Promise<LoggedCallback[]> {
    const parameters = new SqlParameters();
    const [first, last] = [parameters.add(beginning), parameters.add(beginning + LAST_CHARACTER)];
    const range = `subject_id BETWEEN ${first} AND ${last}`;
    const order = `ORDER BY subject_id, queued_at, id LIMIT ${LOOKED_AT}`;
    return this.among(`WHERE ${range} AND state <> 'queued' ${order}`, parameters, scope, limit);
  }

  /** Callbacks of several subjects, newest first. */
  ofSubjects(scope: LogScope, subjectIds: readonly string[], limit: number): Promise<LoggedCallback[]> {
    const parameters = new SqlParameters();
    const own = `subject_id = ANY (${parameters.add(subjectIds)})`;
    return this.among(`WHERE ${own} AND state <> 'queued' LIMIT ${LOOKED_AT}`, parameters, scope, limit);
  }

  /** Finds ids among a bounded number of rows, limits them to the scope, and then reads their rows. */
  private async among(
    lookedAt: string,
    parameters: SqlParameters,
    scope: LogScope,
    limit: number,
  ): Promise<LoggedCallback[]> {
    const limited = parameters.add(limit);
    const found = await inTransaction(this.dataSource, async (manager) => {
      await manager.query(IN_ORDER);
      return rows<Row>(
        manager,
        `SELECT ${COLUMNS}, ${this.ofEndpoint('c')} FROM ${this.table} c WHERE id = ANY (ARRAY(
           SELECT id FROM (
             SELECT id, service_id, state, attempt_count, queued_at FROM ${this.table} ${lookedAt}
           ) looked_at WHERE ${isOwn(parameters, scope)} AND ${this.shown} ${NEWEST_FIRST} LIMIT ${limited}
         )) ${NEWEST_FIRST}`,
        parameters.values,
        TIMES,
      );
    });
    return found.map(callbackOf);
  }

  /** An option decides which delivered callbacks are shown. */
  private get shown(): string {
    switch (this.options.keep) {
      case 'all':
        return 'TRUE';
      case 'failures':
        return `(state <> 'delivered' OR attempt_count > 1)`;
      case 'off':
        return `state <> 'delivered'`;
    }
  }

  private get table(): string {
    return this.tables.callbacks;
  }

  private get tables() {
    return tablesOf(this.dataSource);
  }
}

/** The states in which the filter can match: only a callback that was given up has a reason. */
function statesOf({ state, reason }: LogFilter): readonly LogState[] {
  if (reason === undefined) return state ? [state] : LOG_STATES;
  return state === undefined || state === 'given_up' ? ['given_up'] : [];
}

/** The condition of the lists' indexes. */
function notQueued(stretch: string): string {
  return stretch === `state = 'queued'` ? 'TRUE' : `state <> 'queued'`;
}

function conditions(
  parameters: SqlParameters,
  { callbackApiId, subjectId, replayId, since, until }: LogFilter,
  after?: LogCursor,
): string[] {
  const where: string[] = [];
  if (callbackApiId !== undefined) where.push(`endpoint_id = ${parameters.add(callbackApiId)}`);
  if (subjectId !== undefined) where.push(`subject_id = ${parameters.add(subjectId)}`);
  if (replayId !== undefined) where.push(`replay_id = ${parameters.add(replayId)}`);
  if (since !== undefined) where.push(`queued_at >= ${parameters.add(since)}`);
  if (until !== undefined) where.push(`queued_at < ${parameters.add(until)}`);
  if (after !== undefined)
    where.push(`(queued_at, id) < (${parameters.add(after.queuedAt)}, ${parameters.add(after.id)})`);
  return where;
}

function isOwn(parameters: SqlParameters, scope: LogScope): string {
  return scope === 'all' ? 'TRUE' : `service_id = ${parameters.add(scope.serviceId)}`;
}

/** Conditions on columns that no index of the lists has. */
function withoutIndex(parameters: SqlParameters, { callbackType, reason }: LogFilter): string[] {
  const where: string[] = [];
  if (callbackType !== undefined) where.push(`callback_type = ${parameters.add(callbackType)}`);
  if (reason !== undefined) where.push(`reason = ${parameters.add(reason)}`);
  return where;
}

/** In the order of the list. */
function isOlder(one: LogCursor, other: LogCursor): boolean {
  const [at, otherAt] = [one.queuedAt.getTime(), other.queuedAt.getTime()];
  return at === otherAt ? one.id < other.id : at < otherAt;
}

function shownState({ state, detail }: Row): LogState {
  switch (state) {
    case 'pending':
    case 'queued':
      return 'waiting';
    case 'scheduled':
      return detail === null ? 'retrying' : 'deferred';
    case 'held':
      return 'deferred';
    case 'delivered':
    case 'given_up':
      return state;
  }
}

function callbackOf(row: Row): LoggedCallback {
  const firstAttemptAt = row.first_attempt === null ? null : new Date(row.first_attempt);
  return {
    id: row.id,
    serviceId: row.service_id,
    callbackApiId: row.endpoint_id,
    callbackType: row.callback_type,
    subjectId: row.subject_id,
    url: row.url,
    state: shownState(row),
    reason: row.reason,
    detail: row.detail,
    generation: row.generation,
    attemptCount: row.attempt_count,
    lastStatus: row.last_attempt?.status_code ?? null,
    lastError: row.last_attempt?.error ?? null,
    queuedAt: row.queued_at,
    firstAttemptAt,
    lastAttemptAt: row.last_attempt ? new Date(row.last_attempt.at) : null,
    nextAttemptAt: row.next_attempt_at ?? row.next_probe_at,
    forwardMs: firstAttemptAt && Math.max(0, firstAttemptAt.getTime() - row.queued_at.getTime()),
    finishedAt: row.finished_at,
    replayedAt: row.generation > 0 ? row.generation_at : null,
    replayRequestedAt: row.replay_requested_at,
    isEndpointDeleted: row.is_endpoint_deleted,
  };
}

export function attemptOf({
  at,
  duration_ms,
  status_code,
  error,
  excerpt,
  headers,
  generation,
}: AttemptRecord): LoggedAttempt {
  return {
    at: new Date(at),
    durationMs: duration_ms,
    statusCode: status_code ?? null,
    error: error ?? null,
    excerpt: excerpt ?? null,
    headers: headers ?? {},
    generation: generation ?? 0,
  };
}
