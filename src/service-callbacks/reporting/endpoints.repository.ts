import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { WARNED } from '../endpoints/endpoint-state.repository.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { OUTCOME_SUMS, outcomesOf, type OutcomeRow } from '../figures/outcomes.js';
import type {
  EndpointFigures,
  EndpointOrder,
  EndpointQuery,
  EndpointState,
  EndpointSummary,
  FailingEndpoints,
  LogScope,
} from '../history/records.js';
import { SqlParameters } from '../../database/sql-parameters.js';
import { uuidRangeOf } from '../history/uuid-range.js';

/** Limits to which waiting callbacks are counted: of one endpoint's page, and of each endpoint in a list. */
const MAX_BACKLOG = 10_000;
const MAX_IN_LIST = 1_000;

const LIMIT = 50;

/** Each state is read from its own stretch of an index. */
const WAITING_STATES = ['pending', 'scheduled', 'held'] as const;

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
    readonly waiting: number;
  };

export type HealthFigures = Pick<
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

/** Waiting callbacks of `endpoint`. */
const WAITING_IN_LIST = `SELECT LEAST(count(*), ${MAX_IN_LIST})::int FROM (${WAITING_STATES.map(
  (state) => `(SELECT FROM service_callbacks
    WHERE endpoint_id = endpoint AND state = '${state}' AND state <> 'queued' LIMIT ${MAX_IN_LIST})`,
).join(' UNION ALL ')}) waiting`;

const IS_FAILING = 'health.failing_since IS NOT NULL AND api.disabled_at IS NULL';
const STATES: Readonly<Record<EndpointState, string>> = {
  failing: IS_FAILING,
  on_hold: `EXISTS (SELECT FROM service_callback_holds hold WHERE hold.endpoint_id = api.id AND hold.state <> 'lifted')`,
  disabled: 'api.disabled_at IS NOT NULL',
  working: `health.failing_since IS NULL AND api.disabled_at IS NULL
    AND NOT EXISTS (SELECT FROM service_callback_holds hold WHERE hold.endpoint_id = api.id AND hold.state <> 'lifted')`,
};

/** A disabled endpoint does not count as failing. */
const TROUBLE = `CASE WHEN disabled_at IS NULL THEN failing_since END ASC NULLS LAST,
  failed + given_up DESC, deferred DESC, delivered DESC`;
const ORDERS: Readonly<Record<EndpointOrder, string>> = {
  trouble: TROUBLE,
  url: 'url',
  waiting: `(${WAITING_IN_LIST}) DESC, ${TROUBLE}`,
  delivered: 'delivered DESC',
  failed: 'failed DESC',
  given_up: 'given_up DESC',
};

/** Endpoints with their health. */
@Injectable()
export class EndpointsRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  async health(scope: LogScope, callbackApiId: string): Promise<HealthFigures | null> {
    const [row] = await rows<HealthRow>(
      this.dataSource,
      `SELECT ${HEALTH} FROM ${API_WITH_HEALTH}
       WHERE api.id = $1::uuid AND ($2::text IS NULL OR api.service_id = $2)`,
      [callbackApiId, serviceIdOf(scope)],
      HEALTH_TIMES,
    );
    return row ? healthOf(row) : null;
  }

  /**
   * Worst first by default.
   * @param since the time from which outcomes are counted
   */
  async list(
    scope: LogScope,
    since: Date,
    { order = 'trouble', state, text, limit = LIMIT }: EndpointQuery,
  ): Promise<Omit<EndpointSummary, 'circuit'>[]> {
    const parameters = new SqlParameters();
    const from = parameters.add(since);
    const service = parameters.add(serviceIdOf(scope));
    const where = [
      `(${service}::text IS NULL OR api.service_id = ${service})`,
      ...(state ? [STATES[state]] : []),
      ...(text ? [matches(parameters, text)] : []),
    ];
    const found = await rows<SummaryRow>(
      this.dataSource,
      `SELECT page.*, (${WAITING_IN_LIST}) AS waiting FROM (
         SELECT * FROM (
           SELECT ${HEALTH}, api.id AS endpoint, api.created_at, api.callback_type, api.url, api.disabled_at,
             COALESCE(day.delivered, 0) AS delivered, COALESCE(day.failed, 0) AS failed,
             COALESCE(day.deferred, 0) AS deferred, COALESCE(day.given_up, 0) AS given_up
           FROM ${API_WITH_HEALTH}
           LEFT JOIN (
             SELECT callback_api_id, ${OUTCOME_SUMS} FROM service_callback_endpoint_hours
             WHERE hour >= ${from} AND (${service}::text IS NULL OR service_id = ${service})
             GROUP BY callback_api_id
           ) day ON day.callback_api_id = api.id::text
           WHERE ${where.join(' AND ')}
         ) endpoints ORDER BY ${ORDERS[order]}, created_at, endpoint LIMIT ${parameters.add(limit)}
       ) page`,
      parameters.values,
      [...HEALTH_TIMES, 'disabled_at'],
    );
    return found.map((row) => ({
      ...healthOf(row),
      callbackType: row.callback_type,
      url: row.url,
      disabledAt: row.disabled_at,
      waiting: row.waiting,
      day: outcomesOf(row),
    }));
  }

  /** Failing endpoints by their error, the most frequent first. */
  failing(scope: LogScope): Promise<FailingEndpoints[]> {
    return rows<FailingEndpoints>(
      this.dataSource,
      `SELECT health.last_failure AS failure, count(*)::int AS endpoints FROM ${API_WITH_HEALTH}
       WHERE ${IS_FAILING} AND ($1::text IS NULL OR api.service_id = $1)
       GROUP BY health.last_failure ORDER BY endpoints DESC, failure`,
      [serviceIdOf(scope)],
    );
  }

  async count(scope: LogScope): Promise<number> {
    const [row] = await rows<{ count: number }>(
      this.dataSource,
      `SELECT count(*)::int AS count FROM service_callback_apis WHERE $1::text IS NULL OR service_id = $1`,
      [serviceIdOf(scope)],
    );
    return row?.count ?? 0;
  }

  /** Callbacks that wait for an attempt. */
  async backlog(callbackApiId: string): Promise<Backlog> {
    const waiting = WAITING_STATES.map(
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

  /** Callbacks that wait for an attempt, counted up to a limit. */
  async waiting(scope: LogScope, atMost: number): Promise<number> {
    const parameters = new SqlParameters();
    const limit = parameters.add(atMost);
    const own = scope === 'all' ? undefined : parameters.add(scope.serviceId);
    const waiting = WAITING_STATES.map(
      (state) =>
        `(SELECT FROM service_callbacks WHERE state <> 'queued' AND ${
          own === undefined ? `state || '' = '${state}'` : `service_id = ${own} AND state = '${state}'`
        } LIMIT ${limit})`,
    );
    const [row] = await rows<{ count: number }>(
      this.dataSource,
      `SELECT LEAST(count(*), ${limit})::int AS count FROM (${waiting.join(' UNION ALL ')}) waiting`,
      parameters.values,
    );
    return row?.count ?? 0;
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

  /** Dead letters on the list, counted up to a limit. */
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

/** Matches a part of the URL, or the beginning of the endpoint's or the service's id. */
function matches(parameters: SqlParameters, text: string): string {
  const given = parameters.add(text);
  const range = uuidRangeOf(text);
  const hasId = range ? ` OR api.id BETWEEN ${parameters.add(range[0])} AND ${parameters.add(range[1])}` : '';
  return `(strpos(lower(api.url), lower(${given})) > 0 OR starts_with(api.service_id, ${given})${hasId})`;
}

function serviceIdOf(scope: LogScope): string | null {
  return scope === 'all' ? null : scope.serviceId;
}

function healthOf(row: HealthRow): HealthFigures {
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
