import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { WARNED } from '../endpoints/endpoint-state.repository.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { OUTCOME_SUMS, outcomesOf, type OutcomeRow } from '../figures/outcomes.js';
import type { EndpointFigures, EndpointSummary, LogScope } from '../callbacks/records.js';
import { SqlParameters } from '../callbacks/sql-parameters.js';

/** How far a backlog is counted. */
const MAX_BACKLOG = 10_000;

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

const HEALTH = `api.id::text AS callback_api_id, api.service_id AS service_id, health.last_success_at,
  health.last_failure_at, health.last_failure, health.failing_since,
  health.attempts_since_success,
  ${WARNED} AS warned_percent`;
const HEALTH_TIMES = ['last_success_at', 'last_failure_at', 'failing_since'] as const;
const API_WITH_HEALTH = `service_callback_apis api
  LEFT JOIN service_callback_endpoint_health health ON health.callback_api_id = api.id::text`;

/** Callback APIs with what is known of their servers. */
@Injectable()
export class EndpointsRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  async health(scope: LogScope, callbackApiId: string): Promise<EndpointHealth | null> {
    const [row] = await rows<HealthRow>(
      this.dataSource,
      `SELECT ${HEALTH} FROM ${API_WITH_HEALTH}
       WHERE api.id = $1::uuid AND ($2::text IS NULL OR api.service_id = $2)`,
      [callbackApiId, serviceIdOf(scope)],
      HEALTH_TIMES,
    );
    return row ? healthOf(row) : null;
  }

  /** Worst first; one that is disabled fails no more. @param since from where on outcomes are counted */
  async byTrouble(scope: LogScope, since: Date, limit: number): Promise<Omit<EndpointSummary, 'circuit'>[]> {
    const parameters = new SqlParameters();
    const from = parameters.add(since);
    const service = parameters.add(serviceIdOf(scope));
    const found = await rows<SummaryRow>(
      this.dataSource,
      `SELECT ${HEALTH}, api.callback_type, api.url, api.disabled_at, COALESCE(day.delivered, 0) AS delivered,
         COALESCE(day.failed, 0) AS failed, COALESCE(day.deferred, 0) AS deferred,
         COALESCE(day.given_up, 0) AS given_up
       FROM ${API_WITH_HEALTH}
       LEFT JOIN (
         SELECT callback_api_id, ${OUTCOME_SUMS} FROM service_callback_endpoint_hours
         WHERE hour >= ${from} AND (${service}::text IS NULL OR service_id = ${service})
         GROUP BY callback_api_id
       ) day ON day.callback_api_id = api.id::text
       WHERE ${service}::text IS NULL OR api.service_id = ${service}
       ORDER BY CASE WHEN api.disabled_at IS NULL THEN health.failing_since END ASC NULLS LAST,
         COALESCE(day.failed, 0) + COALESCE(day.given_up, 0) DESC, COALESCE(day.deferred, 0) DESC,
         COALESCE(day.delivered, 0) DESC, api.created_at, api.id
       LIMIT ${parameters.add(limit)}`,
      parameters.values,
      [...HEALTH_TIMES, 'disabled_at'],
    );
    return found.map((row) => ({
      ...healthOf(row),
      callbackType: row.callback_type,
      url: row.url,
      disabledAt: row.disabled_at,
      day: outcomesOf(row),
    }));
  }

  /** What waits for a later attempt. */
  async backlog(callbackApiId: string): Promise<Backlog> {
    const waiting = ['scheduled', 'held'].map(
      (state) => `(SELECT next_attempt_at FROM service_callbacks
        WHERE endpoint_id = $1 AND state = '${state}' AND state <> 'queued' LIMIT $2)`,
    );
    const [row] = await rows<{ count: number; next_at: Date | null }>(
      this.dataSource,
      `SELECT LEAST(count(*), $2)::int AS count, min(next_attempt_at) AS next_at
       FROM (${waiting.join(' UNION ALL ')}) waiting`,
      [callbackApiId, MAX_BACKLOG],
      ['next_at'],
    );
    return { count: row?.count ?? 0, nextAt: row?.next_at ?? null };
  }

  async disabled(scope: LogScope): Promise<number> {
    const [row] = await rows<{ count: number }>(
      this.dataSource,
      `SELECT count(*)::int AS count FROM service_callback_apis
       WHERE disabled_at IS NOT NULL AND ($1::text IS NULL OR service_id = $1)`,
      [serviceIdOf(scope)],
    );
    return row?.count ?? 0;
  }

  /** That wait for a replay or their end, as far as they are counted. */
  async deadLetters(scope: LogScope, atMost: number): Promise<number> {
    const [row] = await rows<{ count: number }>(
      this.dataSource,
      `SELECT count(*)::int AS count FROM (SELECT FROM service_callbacks
       WHERE state = 'given_up' AND dismissed_at IS NULL AND ($1::text IS NULL OR service_id = $1) LIMIT $2) letters`,
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
