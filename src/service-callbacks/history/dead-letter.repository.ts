import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import type { AttemptRecord, GiveUpReason } from '../callbacks/callback.js';
import { tablesOf } from '../callbacks/callback.repository.js';
import { finishedConditions, type FinishedFilter } from './finished-filter.js';
import type { LogScope } from './records.js';
import { SqlParameters } from '../../database/sql-parameters.js';

/** A callback that was given up and is still on the list of dead letters: a view of its record. */
export interface DeadLetter {
  readonly id: string;
  readonly serviceId: string | null;
  readonly callbackApiId: string | null;
  readonly callbackType: string;
  readonly subjectId: string | null;
  readonly url: string | null;
  readonly reason: GiveUpReason;
  /** What is wrong with the callback or with its replay, in words. */
  readonly detail: string | null;
  readonly attemptCount: number;
  /** The last 50 attempts, oldest first. */
  readonly attempts: readonly AttemptRecord[];
  /** Whether its payload is kept: a replay needs it. */
  readonly hasPayload: boolean;
  readonly isEndpointDeleted: boolean;
  readonly queuedAt: Date;
  readonly givenUpAt: Date;
  /** A replay is requested and has not started. */
  readonly replayRequestedAt: Date | null;
}

/** Which dead letters. */
export type DeadLetterFilter = Omit<FinishedFilter, 'state'>;

/** The page begins after this dead letter, in the order of the list. */
export interface DeadLetterCursor {
  readonly givenUpAt: Date;
  readonly id: string;
}

const TIMES = ['queuedAt', 'givenUpAt', 'replayRequestedAt'] as const;

/** Callbacks that were given up and are still on the list. */
@Injectable()
export class DeadLetterRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** Newest first. */
  list(
    scope: LogScope,
    filter: DeadLetterFilter,
    limit: number,
    after?: DeadLetterCursor,
  ): Promise<DeadLetter[]> {
    const parameters = new SqlParameters();
    const where = conditions(parameters, scope, filter);
    if (after)
      where.push(`(c.finished_at, c.id) < (${parameters.add(after.givenUpAt)}, ${parameters.add(after.id)})`);
    return rows<DeadLetter>(
      this.dataSource,
      `SELECT ${this.columns} FROM ${this.table} c WHERE ${where.join(' AND ')}
       ORDER BY c.finished_at DESC, c.id DESC LIMIT ${parameters.add(limit)}`,
      parameters.values,
      TIMES,
    );
  }

  async find(serviceId: string, id: string): Promise<DeadLetter | null> {
    const [letter] = await this.list({ serviceId }, { ids: [id] }, 1);
    return letter ?? null;
  }

  /** How many of them have a payload and no replay requested, even if their endpoint is disabled; up to `limit`. */
  countReplayable(scope: LogScope, filter: DeadLetterFilter, limit?: number): Promise<number> {
    const parameters = new SqlParameters();
    return this.countWhere([...conditions(parameters, scope, filter), this.isReplayable], parameters, limit);
  }

  /** Counted up to `limit`. */
  count(scope: LogScope, filter: DeadLetterFilter, limit: number): Promise<number> {
    const parameters = new SqlParameters();
    return this.countWhere(conditions(parameters, scope, filter), parameters, limit);
  }

  /**
   * Removes it from the list, with its payload; its history stays.
   * @returns whether there was such a dead letter
   */
  async remove(serviceId: string, id: string): Promise<boolean> {
    return (await this.removeSome({ serviceId }, { ids: [id] }, 1)) > 0;
  }

  /**
   * Removes at most `limit` of them.
   * @returns how many
   */
  async removeSome(scope: LogScope, filter: DeadLetterFilter, limit: number): Promise<number> {
    const parameters = new SqlParameters();
    const where = conditions(parameters, scope, filter).join(' AND ');
    const removed = await rows<{ id: string }>(
      this.dataSource,
      `WITH chosen AS (SELECT c.id FROM ${this.table} c WHERE ${where} LIMIT ${parameters.add(limit)} FOR UPDATE),
       result AS (
         UPDATE ${this.table} c SET dismissed_at = now(), replay_requested_at = NULL
         FROM chosen WHERE c.id = chosen.id RETURNING c.id
       ), unsealed AS (DELETE FROM ${this.payloads} p USING chosen WHERE p.id = chosen.id)`,
      parameters.values,
    );
    return removed.length;
  }

  private async countWhere(
    where: readonly string[],
    parameters: SqlParameters,
    limit?: number,
  ): Promise<number> {
    const atMost = limit === undefined ? '' : `LIMIT ${parameters.add(limit)}`;
    const [row] = await rows<{ count: number }>(
      this.dataSource,
      `SELECT count(*)::int AS count FROM (
         SELECT FROM ${this.table} c WHERE ${where.join(' AND ')} ${atMost}) counted`,
      parameters.values,
    );
    return row?.count ?? 0;
  }

  private get columns(): string {
    return `c.id, c.service_id AS "serviceId", c.endpoint_id AS "callbackApiId", c.callback_type AS "callbackType",
      c.subject_id AS "subjectId", c.url, c.reason, c.detail, c.attempt_count AS "attemptCount",
      c.attempts, EXISTS (SELECT FROM ${this.payloads} p WHERE p.id = c.id) AS "hasPayload",
      NOT EXISTS (SELECT FROM ${this.endpoints} e WHERE e.id = c.endpoint_id) AS "isEndpointDeleted",
      c.queued_at AS "queuedAt", c.finished_at AS "givenUpAt", c.replay_requested_at AS "replayRequestedAt"`;
  }

  private get isReplayable(): string {
    return `c.replay_requested_at IS NULL AND EXISTS (SELECT FROM ${this.payloads} p WHERE p.id = c.id)`;
  }

  private get table(): string {
    return tablesOf(this.dataSource).callbacks;
  }

  private get endpoints(): string {
    return tablesOf(this.dataSource).endpoints;
  }

  private get payloads(): string {
    return tablesOf(this.dataSource).payloads;
  }
}

/** Still on the list. */
function conditions(parameters: SqlParameters, scope: LogScope, filter: DeadLetterFilter): string[] {
  return [
    ...finishedConditions(parameters, scope, { ...filter, state: 'given_up' }),
    'c.dismissed_at IS NULL',
  ];
}
