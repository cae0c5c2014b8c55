import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { inTransaction, retryConflicts } from '../../database/conflicts.js';
import { rows } from '../../database/rows.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { finishedConditions, type FinishedFilter } from '../history/finished-filter.js';
import type { LogScope } from '../history/records.js';
import { SqlParameters } from '../../database/sql-parameters.js';

/** The progress of a replay of many. */
export interface ReplayRun {
  readonly id: string;
  readonly serviceId: string | null;
  readonly total: number;
  readonly queued: number;
  readonly refused: number;
  /** Not queued yet. */
  readonly waiting: number;
  /** Queued, and not finished. */
  readonly underWay: number;
  /** Queued, and delivered. */
  readonly delivered: number;
  /** Queued, and given up again. */
  readonly givenUp: number;
  readonly requestedAt: Date;
  readonly advancedAt: Date | null;
  readonly stoppedAt: Date | null;
}

/** A run that is not over, without the fields that must be counted. */
export type RunningReplay = Omit<ReplayRun, 'waiting' | 'underWay' | 'delivered' | 'givenUp'>;

const COLUMNS = `r.id, r.service_id AS "serviceId", r.total, r.queued, r.refused, r.requested_at AS "requestedAt",
  r.advanced_at AS "advancedAt", r.stopped_at AS "stoppedAt"`;

const TIMES = ['requestedAt', 'advancedAt', 'stoppedAt'] as const;

/** Replays of many callbacks. Their state is in the database, so that any process can continue them. */
@Injectable()
export class ReplayRunRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /**
   * Requests a replay of all callbacks that match, can be replayed now and have no replay pending; those of a deleted
   * or disabled endpoint are left out. They are replayed at a bounded rate. The run shows the progress, and can be
   * stopped.
   */
  start(scope: LogScope, filter: FinishedFilter): Promise<{ readonly id: string; readonly total: number }> {
    return inTransaction(this.dataSource, async (manager) => {
      const id = randomUUID();
      const parameters = new SqlParameters();
      const run = parameters.add(id);
      const where = this.replayable(parameters, scope, filter);
      const [counted] = await rows<{ total: number }>(
        manager,
        `WITH requested AS (
           UPDATE service_callbacks c SET replay_requested_at = now(), replay_id = ${run} WHERE ${where}
           RETURNING c.id
         ), result AS (SELECT count(*)::int AS total FROM requested)`,
        parameters.values,
      );
      const total = counted?.total ?? 0;
      if (total > 0)
        await manager.query(
          `INSERT INTO service_callback_replays (id, service_id, total, requested_at) VALUES ($1, $2, $3, now())`,
          [id, scope === 'all' ? null : scope.serviceId, total],
        );
      return { id, total };
    });
  }

  /** How many callbacks a run with this filter would replay; counted up to `limit`, if there is one. */
  async preview(scope: LogScope, filter: FinishedFilter, limit?: number): Promise<number> {
    const parameters = new SqlParameters();
    const where = this.replayable(parameters, scope, filter);
    const atMost = limit === undefined ? '' : `LIMIT ${parameters.add(limit)}`;
    const [row] = await rows<{ count: number }>(
      this.dataSource,
      `SELECT count(*)::int AS count FROM (SELECT FROM service_callbacks c WHERE ${where} ${atMost}) counted`,
      parameters.values,
    );
    return row?.count ?? 0;
  }

  /** A service finds its own runs only. */
  async find(scope: LogScope, id: string): Promise<ReplayRun | null> {
    const parameters = new SqlParameters();
    const where = [`r.id = ${parameters.add(id)}`, ownRuns(parameters, scope)].join(' AND ');
    const [run] = await rows<ReplayRun>(
      this.dataSource,
      `SELECT ${COLUMNS}, states.* FROM service_callback_replays r CROSS JOIN LATERAL (
         SELECT count(*) FILTER (WHERE is_waiting)::int AS waiting,
           count(*) FILTER (WHERE NOT is_waiting AND state NOT IN ('delivered', 'given_up'))::int AS "underWay",
           count(*) FILTER (WHERE NOT is_waiting AND state = 'delivered')::int AS delivered,
           count(*) FILTER (WHERE NOT is_waiting AND state = 'given_up')::int AS "givenUp"
         FROM (SELECT state, replay_requested_at IS NOT NULL AS is_waiting FROM service_callbacks
           WHERE replay_id = r.id) c
       ) states WHERE ${where}`,
      parameters.values,
      TIMES,
    );
    return run ?? null;
  }

  /** Runs that are not over, newest first; at most 20. */
  running(scope: LogScope): Promise<RunningReplay[]> {
    const parameters = new SqlParameters();
    return rows<RunningReplay>(
      this.dataSource,
      `SELECT ${COLUMNS} FROM service_callback_replays r
       WHERE r.stopped_at IS NULL AND ${ownRuns(parameters, scope)} AND EXISTS (
         SELECT FROM service_callbacks c WHERE c.replay_id = r.id AND c.replay_requested_at IS NOT NULL)
       ORDER BY r.requested_at DESC LIMIT 20`,
      parameters.values,
      TIMES,
    );
  }

  /** Callbacks that are not queued yet keep their state; the others continue. A second stop changes nothing. */
  async stop(scope: LogScope, id: string, now: Date): Promise<boolean> {
    if (!(await this.find(scope, id))) return false;
    await inTransaction(this.dataSource, async (manager) => {
      await manager.query(
        `UPDATE service_callbacks SET replay_requested_at = NULL, replay_id = NULL
         WHERE replay_id = $1 AND replay_requested_at IS NOT NULL`,
        [id],
      );
      await manager.query(
        'UPDATE service_callback_replays SET stopped_at = $2 WHERE id = $1 AND stopped_at IS NULL',
        [id, now],
      );
    });
    return true;
  }

  /** Runs are deleted with the dead letters' retention. */
  async prune(before: Date): Promise<void> {
    const statement = 'DELETE FROM service_callback_replays WHERE requested_at < $1';
    await retryConflicts(() => this.dataSource.query(statement, [before]));
  }

  /** Removed dead letters have no payload any more. */
  private replayable(parameters: SqlParameters, scope: LogScope, filter: FinishedFilter): string {
    return [
      ...finishedConditions(parameters, scope, filter),
      'c.replay_requested_at IS NULL',
      'EXISTS (SELECT FROM service_callback_payloads p WHERE p.id = c.id)',
      'EXISTS (SELECT FROM service_callback_apis e WHERE e.id = c.endpoint_id AND e.disabled_at IS NULL)',
    ].join(' AND ');
  }
}

/** A service has its own runs only. */
function ownRuns(parameters: SqlParameters, scope: LogScope): string {
  return scope === 'all' ? 'TRUE' : `r.service_id = ${parameters.add(scope.serviceId)}`;
}
