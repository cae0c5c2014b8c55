import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/conflicts.js';
import { isStoreFault } from '../../database/store-fault.js';
import { storableJson } from '../../database/storable-json.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import type { FigureBatch } from './figures.js';

const GIVEN_TALLIES = `json_to_recordset($1::json) AS given (id text, "serviceId" text, at float8, delivered bigint,
  failed bigint, deferred bigint, "givenUp" bigint, histogram bigint[])`;

function added(histogram: string): string {
  return `delivered = sums.delivered + EXCLUDED.delivered, failed = sums.failed + EXCLUDED.failed,
    deferred = sums.deferred + EXCLUDED.deferred, given_up = sums.given_up + EXCLUDED.given_up,
    ${histogram} = ARRAY(
      SELECT COALESCE(known, 0) + COALESCE(more, 0)
      FROM unnest(sums.${histogram}, EXCLUDED.${histogram}) WITH ORDINALITY AS both_of_them (known, more, place)
      ORDER BY place)`;
}

const WRITE_MINUTES = `
  INSERT INTO service_callback_minutes AS sums
    (service_id, minute, delivered, failed, deferred, given_up, forward_histogram)
  SELECT id, to_timestamp(at / 1000), delivered, failed, deferred, "givenUp", histogram
  FROM ${GIVEN_TALLIES} ORDER BY id, at
  ON CONFLICT (service_id, minute) DO UPDATE SET ${added('forward_histogram')}`;

const WRITE_HOURS = `
  INSERT INTO service_callback_endpoint_hours AS sums
    (callback_api_id, hour, service_id, delivered, failed, deferred, given_up, duration_histogram)
  SELECT id, to_timestamp(at / 1000), "serviceId", delivered, failed, deferred, "givenUp", histogram
  FROM ${GIVEN_TALLIES} ORDER BY id, at
  ON CONFLICT (callback_api_id, hour) DO UPDATE SET ${added('duration_histogram')}`;

/** Whether the batch's failure came before the known success: then it starts no failure. */
const IS_LATE = 'COALESCE(EXCLUDED.last_failure_at < health.last_success_at, FALSE)';
/** Whether the batch has a success after the known failures. */
const ENDS_FAILING = `EXCLUDED.last_success_at IS NOT NULL
  AND (health.last_failure_at IS NULL OR EXCLUDED.last_success_at >= health.last_failure_at)`;

const WRITE_HEALTH = `
  INSERT INTO service_callback_endpoint_health AS health (callback_api_id, service_id, last_success_at,
    last_failure_at, last_failure, failing_since, attempts_since_success)
  SELECT "callbackApiId", "serviceId", to_timestamp("lastSuccessAt" / 1000), to_timestamp("lastFailureAt" / 1000),
    "lastFailure", to_timestamp("failingSince" / 1000), failures
  FROM json_to_recordset($1::json) AS given ("callbackApiId" text, "serviceId" text, "lastSuccessAt" float8,
    "lastFailureAt" float8, "lastFailure" text, "failingSince" float8, failures bigint)
  ORDER BY "callbackApiId"
  ON CONFLICT (callback_api_id) DO UPDATE SET
    last_success_at = GREATEST(health.last_success_at, EXCLUDED.last_success_at),
    last_failure_at = GREATEST(health.last_failure_at, EXCLUDED.last_failure_at),
    last_failure = CASE WHEN EXCLUDED.last_failure_at < health.last_failure_at THEN health.last_failure
      ELSE COALESCE(EXCLUDED.last_failure, health.last_failure) END,
    failing_since = CASE WHEN ${ENDS_FAILING} THEN EXCLUDED.failing_since
      WHEN ${IS_LATE} THEN health.failing_since
      ELSE COALESCE(health.failing_since, EXCLUDED.failing_since) END,
    attempts_since_success = CASE WHEN ${ENDS_FAILING} THEN EXCLUDED.attempts_since_success
      WHEN ${IS_LATE} THEN health.attempts_since_success
      ELSE health.attempts_since_success + EXCLUDED.attempts_since_success END`;

export type WriteOutcome =
  | { readonly kind: 'written' }
  /** The database did not respond: the same may succeed later. */
  | { readonly kind: 'unavailable'; readonly error: unknown }
  /** The database rejects the figures. */
  | { readonly kind: 'refused'; readonly error: unknown };

/** Writes figures: few statements, many rows, all or none. */
@Injectable()
export class FigureWriter {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  async write({ minutes, hours, health }: FigureBatch): Promise<WriteOutcome> {
    if (minutes.length + hours.length + health.length === 0) return { kind: 'written' };
    try {
      await inTransaction(this.dataSource, async (manager) => {
        await writeAll(manager, WRITE_MINUTES, minutes);
        await writeAll(manager, WRITE_HOURS, hours);
        await writeAll(manager, WRITE_HEALTH, health);
      });
      return { kind: 'written' };
    } catch (error) {
      return { kind: isStoreFault(error) ? 'unavailable' : 'refused', error };
    }
  }
}

async function writeAll(manager: EntityManager, statement: string, given: readonly unknown[]): Promise<void> {
  if (given.length > 0) await manager.query(statement, [storableJson(given)]);
}
