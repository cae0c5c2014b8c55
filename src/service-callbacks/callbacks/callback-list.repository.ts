import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import type { DeliveryLogOptions } from '../service-callbacks.options.js';
import { CALLBACKS_DATA_SOURCE, DELIVERY_LOG_OPTIONS } from '../tokens.js';
import type { AttemptRecord, GiveUpReason } from './callback.js';
import { tablesOf } from './callback.repository.js';
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
import { SqlParameters } from './sql-parameters.js';
import type { CallbackState } from './state-machine.js';

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
  readonly last_attempt: Omit<AttemptRecord, 'excerpt'> | null;
  readonly queued_at: Date;
  readonly next_attempt_at: Date | null;
}

const COLUMNS = `id, service_id, endpoint_id, callback_type, subject_id, url, state, reason, detail, generation,
  attempt_count, attempts->0->>'at' AS first_attempt, (attempts->-1) - 'excerpt' AS last_attempt, queued_at,
  next_attempt_at`;

const TIMES = ['queued_at', 'next_attempt_at'] as const;

/** A state as it is shown, as the states of the record: each is read from its own stretch of an index. */
const STRETCHES: Readonly<Record<LogState, readonly string[]>> = {
  waiting: [`= 'pending'`, `= 'queued'`],
  retrying: [`= 'scheduled' AND detail IS NULL`],
  deferred: [`= 'scheduled' AND detail IS NOT NULL`, `= 'held'`],
  delivered: [`= 'delivered'`],
  given_up: [`= 'given_up'`],
};

/** Callbacks as they are shown. */
@Injectable()
export class CallbackListRepository {
  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly options: DeliveryLogOptions,
  ) {}

  /**
   * Newest first. Each state is read from its own stretch of an index and the stretches are merged, so that no filter
   * makes it walk over rows that are not wanted. An endpoint's rows are all of one service: whose they are is asked of
   * those that were found.
   */
  async list(
    scope: LogScope,
    filter: LogFilter,
    limit: number,
    after?: LogCursor,
  ): Promise<LoggedCallback[]> {
    const parameters = new SqlParameters();
    const where = conditions(parameters, filter, after);
    const isOwn = scope === 'all' ? 'TRUE' : `service_id = ${parameters.add(scope.serviceId)}`;
    if (filter.callbackApiId === undefined) where.push(isOwn);
    const hasIndex = scope !== 'all' || filter.callbackApiId !== undefined || filter.subjectId !== undefined;
    const pageSize = parameters.add(limit);
    const states = filter.state ? [filter.state] : LOG_STATES;
    const stretches = states
      .flatMap((state) => STRETCHES[state])
      // The state of a row that is in a queue is in no list's index, and there are few.
      .map((stretch) => `${hasIndex || stretch === `= 'queued'` ? 'state' : `state || ''`} ${stretch}`)
      .map(
        (stretch) => `(SELECT ${COLUMNS} FROM ${this.table}
        WHERE ${[stretch, notQueued(stretch), this.shown, ...where].join(' AND ')}
        ORDER BY queued_at DESC, id DESC LIMIT ${pageSize})`,
      );
    const found = await rows<Row>(
      this.dataSource,
      `SELECT * FROM (${stretches.join(' UNION ALL ')}) page WHERE ${isOwn}
       ORDER BY queued_at DESC, id DESC LIMIT ${pageSize}`,
      parameters.values,
      TIMES,
    );
    return found.map(callbackOf);
  }

  async find(scope: LogScope, id: string): Promise<LoggedCallbackWithAttempts | null> {
    const parameters = new SqlParameters();
    const where = [`id = ${parameters.add(id)}`, this.shown];
    if (scope !== 'all') where.push(`service_id = ${parameters.add(scope.serviceId)}`);
    const [row] = await rows<Row & { readonly attempts: readonly AttemptRecord[] }>(
      this.dataSource,
      `SELECT ${COLUMNS}, attempts FROM ${this.table} WHERE ${where.join(' AND ')}`,
      parameters.values,
      TIMES,
    );
    if (!row) return null;
    const attempts = row.attempts.map(attemptOf);
    return {
      ...callbackOf(row),
      attempts: attempts.toSorted((one, other) => one.at.getTime() - other.at.getTime()),
    };
  }

  /** Which delivered ones are shown is an option. */
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
    return tablesOf(this.dataSource).callbacks;
  }
}

/** What the lists' indexes are about. */
function notQueued(stretch: string): string {
  return stretch === `state = 'queued'` ? 'TRUE' : `state <> 'queued'`;
}

function conditions(
  parameters: SqlParameters,
  { callbackApiId, subjectId, since, until }: LogFilter,
  after?: LogCursor,
): string[] {
  const where: string[] = [];
  if (callbackApiId !== undefined) where.push(`endpoint_id = ${parameters.add(callbackApiId)}`);
  if (subjectId !== undefined) where.push(`subject_id = ${parameters.add(subjectId)}`);
  if (since !== undefined) where.push(`queued_at >= ${parameters.add(since)}`);
  if (until !== undefined) where.push(`queued_at < ${parameters.add(until)}`);
  if (after !== undefined)
    where.push(`(queued_at, id) < (${parameters.add(after.queuedAt)}, ${parameters.add(after.id)})`);
  return where;
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
    nextAt: row.next_attempt_at,
    forwardMs: firstAttemptAt && Math.max(0, firstAttemptAt.getTime() - row.queued_at.getTime()),
  };
}

export function attemptOf({
  at,
  duration_ms,
  status_code,
  error,
  excerpt,
  generation,
}: AttemptRecord): LoggedAttempt {
  return {
    at: new Date(at),
    durationMs: duration_ms,
    statusCode: status_code ?? null,
    error: error ?? null,
    excerpt: excerpt ?? null,
    generation: generation ?? 0,
  };
}
