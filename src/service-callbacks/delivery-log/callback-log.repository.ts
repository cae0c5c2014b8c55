import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { GiveUpReason } from '../dead-letters/dead-letter.entity.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import {
  LOG_STATES,
  type LogCursor,
  type LogFilter,
  type LoggedCallback,
  type LoggedCallbackWithAttempts,
  type LogScope,
  type LogState,
} from './records.js';
import { SqlParameters } from './sql-parameters.js';

interface Row {
  readonly id: string;
  readonly service_id: string | null;
  readonly callback_api_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly state: LogState;
  readonly reason: GiveUpReason | null;
  readonly attempt_count: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly queued_at: Date;
  readonly first_attempt_at: Date | null;
  readonly last_attempt_at: Date | null;
  readonly next_at: Date | null;
  readonly forward_ms: number | null;
}

/** An attempt as the row keeps it; see `JournalRepository`. */
interface StoredAttempt {
  readonly at: string;
  readonly ms: number;
  readonly status?: number;
  readonly error?: string;
  readonly excerpt?: string;
}

const COLUMNS = `id, service_id, callback_api_id, callback_type, subject_id, state, reason, attempt_count,
  last_status, last_error, queued_at, first_attempt_at, last_attempt_at, next_at, forward_ms`;

@Injectable()
export class CallbackLogRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /**
   * Newest first. Each state is read from its own stretch of an index and the stretches are merged: no filter
   * makes it walk over rows that are not wanted. A callback API's rows are all of one service, so that whose
   * they are is asked of those that were found: of another service's it would else be asked of every row.
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
    const stateColumn = hasIndex ? 'state' : `state || ''`;
    const pageSize = parameters.add(limit);
    const stretches = (filter.state ? [filter.state] : LOG_STATES).map(
      (state) => `(SELECT ${COLUMNS} FROM service_callback_log
        WHERE ${[`${stateColumn} = '${state}'`, ...where].join(' AND ')}
        ORDER BY queued_at DESC, id DESC LIMIT ${pageSize})`,
    );
    const rows = await this.dataSource.query<Row[]>(
      `SELECT * FROM (${stretches.join(' UNION ALL ')}) page WHERE ${isOwn}
       ORDER BY queued_at DESC, id DESC LIMIT ${pageSize}`,
      parameters.values,
    );
    return rows.map(callbackOf);
  }

  async find(scope: LogScope, id: string): Promise<LoggedCallbackWithAttempts | null> {
    const parameters = new SqlParameters();
    const where = [`id = ${parameters.add(id)}`];
    if (scope !== 'all') where.push(`service_id = ${parameters.add(scope.serviceId)}`);
    const [row] = await this.dataSource.query<(Row & { readonly attempts: readonly StoredAttempt[] })[]>(
      `SELECT ${COLUMNS}, attempts FROM service_callback_log WHERE ${where.join(' AND ')}
       ORDER BY queued_at LIMIT 1`,
      parameters.values,
    );
    if (!row) return null;
    const attempts = row.attempts.map(({ at, ms, status, error, excerpt }) => ({
      at: new Date(at),
      durationMs: ms,
      statusCode: status ?? null,
      error: error ?? null,
      excerpt: excerpt ?? null,
    }));
    return {
      ...callbackOf(row),
      attempts: attempts.toSorted((one, other) => one.at.getTime() - other.at.getTime()),
    };
  }
}

function conditions(
  parameters: SqlParameters,
  { callbackApiId, subjectId, since, until }: LogFilter,
  after?: LogCursor,
): string[] {
  const where: string[] = [];
  if (callbackApiId !== undefined) where.push(`callback_api_id = ${parameters.add(callbackApiId)}`);
  if (subjectId !== undefined) where.push(`subject_id = ${parameters.add(subjectId)}`);
  if (since !== undefined) where.push(`queued_at >= ${parameters.add(since)}`);
  if (until !== undefined) where.push(`queued_at < ${parameters.add(until)}`);
  if (after !== undefined) {
    const at = parameters.add(after.queuedAt);
    // The first condition says nothing new, but lets PostgreSQL leave whole partitions out.
    where.push(`queued_at <= ${at} AND (queued_at, id) < (${at}, ${parameters.add(after.id)})`);
  }
  return where;
}

function callbackOf(row: Row): LoggedCallback {
  return {
    id: row.id,
    serviceId: row.service_id,
    callbackApiId: row.callback_api_id,
    callbackType: row.callback_type,
    subjectId: row.subject_id,
    state: row.state,
    reason: row.reason,
    attemptCount: row.attempt_count,
    lastStatus: row.last_status,
    lastError: row.last_error,
    queuedAt: row.queued_at,
    firstAttemptAt: row.first_attempt_at,
    lastAttemptAt: row.last_attempt_at,
    nextAt: row.next_at,
    forwardMs: row.forward_ms,
  };
}
