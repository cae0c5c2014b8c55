import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/conflicts.js';
import { rows } from '../../database/rows.js';
import { tableIn } from '../../database/table-in.js';
import type { DisabledReason, OngoingFailure } from '../events/endpoint-change.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** The changed row. */
export interface SwitchedEndpoint {
  readonly callbackApiId: string;
  readonly serviceId: string;
  readonly callbackType: string;
  readonly url: string;
}

/** An endpoint whose failure is old enough for a review. */
export interface FailingEndpoint extends SwitchedEndpoint, OngoingFailure {
  /** The percentage of the last warning of this failure. */
  readonly warnedPercent: number;
}

/** What must still be true when the statement runs. */
export interface DisableCondition {
  readonly callbackApiId: string;
  /** It still has this URL. */
  readonly url?: string;
  /** It has neither succeeded since, nor begun to fail later. */
  readonly failingSince?: Date;
}

/** The most endpoints of one review; the next review continues. */
const REVIEW_LIMIT = 1_000;

const FACTS = `api.id AS "callbackApiId", api.service_id AS "serviceId", api.callback_type AS "callbackType", api.url`;

/** The percentage of the last warning of the current failure; 0: none. A later failure is warned of again. */
export const WARNED = `CASE WHEN api.warned_since = health.failing_since THEN api.warned_percent ELSE 0 END`;

/** A `timestamptz` has microseconds; a `Date` has milliseconds. */
const SINCE = `date_trunc('milliseconds', health.failing_since)`;

/**
 * The switch and the warnings of each endpoint. Each change is one statement with its own condition: of several
 * processes that try the same at once, only one changes the row.
 */
@Injectable()
export class EndpointStateRepository {
  private readonly apis: string;
  private readonly health: string;

  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {
    this.apis = tableIn(dataSource, 'service_callback_apis');
    this.health = tableIn(dataSource, 'service_callback_endpoint_health');
  }

  /** @returns undefined if it was disabled already, or the condition is false */
  async disable(
    { callbackApiId, url, failingSince }: DisableCondition,
    reason: DisabledReason,
    at: Date,
    by?: string,
  ): Promise<SwitchedEndpoint | undefined> {
    return this.change(
      `UPDATE ${this.apis} api
       SET disabled_at = $2, disabled_reason = $3, updated_by_id = coalesce($6, updated_by_id)
       WHERE api.id = $1 AND api.disabled_at IS NULL
         AND ($4::text IS NULL OR api.url = $4)
         AND ($5::timestamptz IS NULL OR EXISTS (
           SELECT FROM ${this.health} health
           WHERE health.callback_api_id = api.id::text AND ${SINCE} = $5))
       RETURNING ${FACTS}`,
      [callbackApiId, at, reason, url ?? null, failingSince ?? null, by ?? null],
    );
  }

  /**
   * Also forgets its failures.
   * @returns undefined if it was not disabled
   */
  enable(callbackApiId: string, by?: string): Promise<SwitchedEndpoint | undefined> {
    return inTransaction(this.dataSource, async (manager) => {
      const switched = await this.change(
        `UPDATE ${this.apis} api
         SET disabled_at = NULL, disabled_reason = NULL, updated_by_id = coalesce($2, updated_by_id)
         WHERE api.id = $1 AND api.disabled_at IS NOT NULL
         RETURNING ${FACTS}`,
        [callbackApiId, by ?? null],
        manager,
      );
      if (switched) await this.forgetFailures(callbackApiId, manager);
      return switched;
    });
  }

  /** @returns undefined if another process gave this warning, or the endpoint does not fail any more */
  async warn(
    callbackApiId: string,
    failingSince: Date,
    percent: number,
  ): Promise<SwitchedEndpoint | undefined> {
    return this.change(
      `UPDATE ${this.apis} api
       SET warned_percent = $3, warned_since = health.failing_since
       FROM ${this.health} health
       WHERE api.id = $1 AND health.callback_api_id = api.id::text AND api.disabled_at IS NULL
         AND ${SINCE} = $2 AND ${WARNED} < $3
       RETURNING ${FACTS}`,
      [callbackApiId, failingSince, percent],
    );
  }

  /**
   * Clears the warnings of endpoints that have succeeded since.
   * @returns each endpoint once, over all processes
   */
  clearWarnings(): Promise<SwitchedEndpoint[]> {
    return rows<SwitchedEndpoint>(
      this.dataSource,
      `UPDATE ${this.apis} api
       SET warned_percent = 0, warned_since = NULL
       FROM ${this.health} health
       WHERE api.warned_since IS NOT NULL AND api.disabled_at IS NULL
         AND health.callback_api_id = api.id::text AND health.failing_since IS DISTINCT FROM api.warned_since
       RETURNING ${FACTS}`,
    );
  }

  /** Enabled endpoints whose failure began by `latestStart` and has at least so many attempts; longest first. */
  failing(latestStart: Date, minAttempts: number): Promise<FailingEndpoint[]> {
    return rows<FailingEndpoint>(
      this.dataSource,
      `SELECT ${FACTS}, health.failing_since AS "failingSince", health.last_failure AS "lastFailure",
              health.attempts_since_success AS attempts, ${WARNED} AS "warnedPercent"
       FROM ${this.health} health
       JOIN ${this.apis} api ON api.id::text = health.callback_api_id
       WHERE health.failing_since <= $1 AND health.attempts_since_success >= $2 AND api.disabled_at IS NULL
       ORDER BY health.failing_since LIMIT ${REVIEW_LIMIT}`,
      [latestStart, minAttempts],
      ['failingSince'],
    );
  }

  async disabledIds(): Promise<string[]> {
    const disabled = await rows<{ id: string }>(
      this.dataSource,
      `SELECT id FROM ${this.apis} WHERE disabled_at IS NOT NULL`,
    );
    return disabled.map(({ id }) => id);
  }

  /** Forgets failures and warnings: the endpoint has a new URL, or was enabled. */
  async forgetFailures(
    callbackApiId: string,
    connection: DataSource | EntityManager = this.dataSource,
  ): Promise<void> {
    await rows(
      connection,
      `WITH unwarned AS (
         UPDATE ${this.apis} SET warned_percent = 0, warned_since = NULL WHERE id = $1),
       result AS (
         UPDATE ${this.health} SET failing_since = NULL, attempts_since_success = 0
         WHERE callback_api_id = $1::text RETURNING callback_api_id)`,
      [callbackApiId],
    );
  }

  private async change(
    statement: string,
    parameters: readonly unknown[],
    connection: DataSource | EntityManager = this.dataSource,
  ): Promise<SwitchedEndpoint | undefined> {
    return (await rows<SwitchedEndpoint>(connection, statement, parameters))[0];
  }
}
