import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { WARNED } from '../endpoint-health/endpoint-state.repository.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { OUTCOME_SUMS, outcomesOf, type OutcomeRow } from './outcomes.js';
import type { EndpointFigures, EndpointSummary, LogScope } from './records.js';
import { SqlParameters } from './sql-parameters.js';

/** How far a backlog is counted. */
const MAX_BACKLOG = 10_000;
/** A waiting callback whose time came so long ago has ended without the log hearing of it, ms. */
const LOST_AFTER_MS = 3_600_000;

interface HealthRow {
  readonly callback_api_id: string;
  readonly service_id: string;
  readonly last_success_at: Date | null;
  readonly last_failure_at: Date | null;
  readonly last_failure: string | null;
  readonly failing_since: Date | null;
  readonly attempts_since_success: number | null;
  readonly warned_percent: number;
}

type SummaryRow = HealthRow &
  Omit<OutcomeRow, 'at'> & {
    readonly callback_type: string;
    readonly url: string;
    readonly disabled_at: Date | null;
  };

export type EndpointHealth = Pick<
  EndpointFigures,
  | 'callbackApiId'
  | 'serviceId'
  | 'lastSuccessAt'
  | 'lastFailureAt'
  | 'lastFailure'
  | 'failingSince'
  | 'attemptsSinceSuccess'
  | 'warnedPercent'
>;

export interface Backlog {
  readonly count: number;
  readonly nextAt: Date | null;
}

const HEALTH = `api.id::text AS callback_api_id, api.service_id::text AS service_id, health.last_success_at,
  health.last_failure_at, health.last_failure, health.failing_since,
  health.attempts_since_success::float8 AS attempts_since_success,
  ${WARNED} AS warned_percent`;
const API_WITH_HEALTH = `service_callback_apis api
  LEFT JOIN service_callback_endpoint_health health ON health.callback_api_id = api.id::text`;

/** Callback APIs with what is known of their servers. */
@Injectable()
export class EndpointsRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  async health(scope: LogScope, callbackApiId: string): Promise<EndpointHealth | null> {
    const [row] = await this.dataSource.query<HealthRow[]>(
      `SELECT ${HEALTH} FROM ${API_WITH_HEALTH}
       WHERE api.id = $1::uuid AND ($2::text IS NULL OR api.service_id::text = $2)`,
      [callbackApiId, serviceIdOf(scope)],
    );
    return row ? healthOf(row) : null;
  }

  /** Worst first; one that is disabled fails no more. @param since from where on outcomes are counted */
  async byTrouble(scope: LogScope, since: Date, limit: number): Promise<Omit<EndpointSummary, 'circuit'>[]> {
    const parameters = new SqlParameters();
    const from = parameters.add(since);
    const service = parameters.add(serviceIdOf(scope));
    const rows = await this.dataSource.query<SummaryRow[]>(
      `SELECT ${HEALTH}, api.callback_type, api.url, api.disabled_at, COALESCE(day.delivered, 0) AS delivered,
         COALESCE(day.failed, 0) AS failed, COALESCE(day.deferred, 0) AS deferred,
         COALESCE(day.given_up, 0) AS given_up
       FROM ${API_WITH_HEALTH}
       LEFT JOIN (
         SELECT callback_api_id, ${OUTCOME_SUMS} FROM service_callback_endpoint_hours
         WHERE hour >= ${from} AND (${service}::text IS NULL OR service_id = ${service})
         GROUP BY callback_api_id
       ) day ON day.callback_api_id = api.id::text
       WHERE ${service}::text IS NULL OR api.service_id::text = ${service}
       ORDER BY CASE WHEN api.disabled_at IS NULL THEN health.failing_since END ASC NULLS LAST,
         COALESCE(day.failed, 0) + COALESCE(day.given_up, 0) DESC, COALESCE(day.deferred, 0) DESC,
         COALESCE(day.delivered, 0) DESC, api.created_at, api.id
       LIMIT ${parameters.add(limit)}`,
      parameters.values,
    );
    return rows.map((row) => ({
      ...healthOf(row),
      callbackType: row.callback_type,
      url: row.url,
      disabledAt: row.disabled_at,
      day: outcomesOf(row),
    }));
  }

  /** What waits for a later attempt, as the log has it. */
  async backlog(callbackApiId: string, now: number): Promise<Backlog> {
    const waiting = ['retrying', 'deferred'].map(
      (state) => `(SELECT next_at FROM service_callback_log
        WHERE callback_api_id = $1 AND state = '${state}' AND next_at > $2 LIMIT $3)`,
    );
    const [row] = await this.dataSource.query<{ count: number; next_at: Date | null }[]>(
      `SELECT LEAST(count(*), $3)::int AS count, min(next_at) AS next_at
       FROM (${waiting.join(' UNION ALL ')}) waiting`,
      [callbackApiId, new Date(now - LOST_AFTER_MS), MAX_BACKLOG],
    );
    return { count: row?.count ?? 0, nextAt: row?.next_at ?? null };
  }

  async disabled(scope: LogScope): Promise<number> {
    const [row] = await this.dataSource.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM service_callback_apis
       WHERE disabled_at IS NOT NULL AND ($1::text IS NULL OR service_id::text = $1)`,
      [serviceIdOf(scope)],
    );
    return row?.count ?? 0;
  }

  /** That wait for a replay or their end, as far as they are counted. */
  async deadLetters(scope: LogScope, atMost: number): Promise<number> {
    const [row] = await this.dataSource.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM (SELECT FROM service_callback_dead_letters
       WHERE replayed_at IS NULL AND ($1::text IS NULL OR service_id = $1) LIMIT $2) letters`,
      [serviceIdOf(scope), atMost],
    );
    return row?.count ?? 0;
  }
}

function serviceIdOf(scope: LogScope): string | null {
  return scope === 'all' ? null : scope.serviceId;
}

function healthOf(row: HealthRow): EndpointHealth {
  return {
    callbackApiId: row.callback_api_id,
    serviceId: row.service_id,
    lastSuccessAt: row.last_success_at,
    lastFailureAt: row.last_failure_at,
    lastFailure: row.last_failure,
    failingSince: row.failing_since,
    attemptsSinceSuccess: row.attempts_since_success ?? 0,
    warnedPercent: row.warned_percent,
  };
}
