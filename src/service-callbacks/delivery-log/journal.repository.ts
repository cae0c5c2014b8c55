import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { failureOf, type WriteFailure } from './write-failure.js';
import type { JournalBatch } from './delivery-journal.js';
import { MAX_ATTEMPTS, type JournalRow } from './journal-rows.js';
import { storableJson } from './storable-json.js';

/**
 * Appends the attempts that a row does not have yet: an attempt that comes again (a flush that was repeated, a
 * later fact that tells the whole history) is the same one.
 */
const MERGED_ATTEMPTS = `(
  SELECT COALESCE(jsonb_agg(kept.attempt ORDER BY kept.place), '[]') FROM (
    SELECT every.attempt, every.place FROM (
      SELECT known.attempt, known.place
      FROM jsonb_array_elements(log.attempts) WITH ORDINALITY AS known (attempt, place)
      UNION ALL
      SELECT added.attempt, added.place + ${2 * MAX_ATTEMPTS}
      FROM jsonb_array_elements(EXCLUDED.attempts) WITH ORDINALITY AS added (attempt, place)
      WHERE NOT log.attempts @> jsonb_build_array(added.attempt)
    ) every ORDER BY every.place DESC LIMIT ${MAX_ATTEMPTS}
  ) kept)`;

/**
 * A replay is queued anew, but is the same callback: its row is looked for. A fact that arrives late (two
 * processes, one flush that had to wait) never overwrites a later one. In the order of ids, so that two processes
 * that write the same rows wait for each other instead of dying.
 */
const WRITE_ROWS = `
  INSERT INTO service_callback_log AS log (id, queued_at, service_id, callback_api_id, callback_type, subject_id,
    state, reason, generation, attempts, attempt_count, last_status, last_error, first_attempt_at,
    last_attempt_at, next_at, forward_ms, changed_at)
  SELECT told.id, first.queued_at, told.service_id, told.callback_api_id, told.callback_type, told.subject_id,
    told.state, told.reason, told.generation, told.attempts, told.attempt_count,
    (told.attempts->-1->>'status')::integer, told.attempts->-1->>'error',
    (told.attempts->0->>'at')::timestamptz, (told.attempts->-1->>'at')::timestamptz,
    to_timestamp(told.next_at / 1000),
    CASE WHEN told.attempt_count > 0 THEN
      GREATEST(0, extract(epoch FROM (told.attempts->0->>'at')::timestamptz - first.queued_at) * 1000) END,
    to_timestamp(told.changed_at / 1000)
  FROM json_to_recordset($1::json) AS told (id uuid, queued_at float8, service_id text, callback_api_id text,
      callback_type text, subject_id text, state text, reason text, generation integer, attempts jsonb,
      attempt_count integer, next_at float8, changed_at float8),
    LATERAL (SELECT COALESCE(
      CASE WHEN told.generation > 0 THEN (
        SELECT known.queued_at FROM service_callback_log known WHERE known.id = told.id
        ORDER BY known.queued_at LIMIT 1) END,
      to_timestamp(told.queued_at / 1000)) AS queued_at) first
  ORDER BY told.id
  ON CONFLICT (id, queued_at) DO UPDATE SET
    callback_api_id = EXCLUDED.callback_api_id, state = EXCLUDED.state, reason = EXCLUDED.reason,
    generation = EXCLUDED.generation, attempts = ${MERGED_ATTEMPTS}, attempt_count = EXCLUDED.attempt_count,
    last_status = EXCLUDED.last_status, last_error = EXCLUDED.last_error,
    first_attempt_at = COALESCE(log.first_attempt_at, EXCLUDED.first_attempt_at),
    last_attempt_at = EXCLUDED.last_attempt_at, next_at = EXCLUDED.next_at,
    forward_ms = CASE WHEN log.first_attempt_at IS NULL THEN EXCLUDED.forward_ms ELSE log.forward_ms END,
    changed_at = EXCLUDED.changed_at
  WHERE (EXCLUDED.generation, EXCLUDED.attempt_count, EXCLUDED.changed_at)
    >= (log.generation, log.attempt_count, log.changed_at)`;

const TOLD_TALLIES = `json_to_recordset($1::json) AS told (id text, "serviceId" text, at float8, delivered bigint,
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
  FROM ${TOLD_TALLIES} ORDER BY id, at
  ON CONFLICT (service_id, minute) DO UPDATE SET ${added('forward_histogram')}`;

const WRITE_HOURS = `
  INSERT INTO service_callback_endpoint_hours AS sums
    (callback_api_id, hour, service_id, delivered, failed, deferred, given_up, duration_histogram)
  SELECT id, to_timestamp(at / 1000), "serviceId", delivered, failed, deferred, "givenUp", histogram
  FROM ${TOLD_TALLIES} ORDER BY id, at
  ON CONFLICT (callback_api_id, hour) DO UPDATE SET ${added('duration_histogram')}`;

/** Whether what a batch says happened before the success that is known: it then starts no failing. */
const IS_LATE = 'COALESCE(EXCLUDED.last_failure_at < health.last_success_at, FALSE)';
/** Whether the batch has a success that the known failures came before. */
const ENDS_FAILING = `EXCLUDED.last_success_at IS NOT NULL
  AND (health.last_failure_at IS NULL OR EXCLUDED.last_success_at >= health.last_failure_at)`;

const WRITE_HEALTH = `
  INSERT INTO service_callback_endpoint_health AS health (callback_api_id, service_id, last_success_at,
    last_failure_at, last_failure, failing_since, attempts_since_success)
  SELECT "callbackApiId", "serviceId", to_timestamp("lastSuccessAt" / 1000), to_timestamp("lastFailureAt" / 1000),
    "lastFailure", to_timestamp("failingSince" / 1000), failures
  FROM json_to_recordset($1::json) AS told ("callbackApiId" text, "serviceId" text, "lastSuccessAt" float8,
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

export type WriteOutcome = { readonly kind: 'written' } | WriteFailure;

/** Writes what the journal holds: few statements, many rows, all or nothing. */
@Injectable()
export class JournalRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  async write({ rows, minutes, hours, health }: JournalBatch): Promise<WriteOutcome> {
    if (rows.length + minutes.length + hours.length + health.length === 0) return { kind: 'written' };
    try {
      await this.dataSource.transaction(async (manager) => {
        for (const round of rounds(rows)) await writeAll(manager, WRITE_ROWS, round);
        await writeAll(manager, WRITE_MINUTES, minutes);
        await writeAll(manager, WRITE_HOURS, hours);
        await writeAll(manager, WRITE_HEALTH, health);
      });
      return { kind: 'written' };
    } catch (error) {
      return failureOf(error);
    }
  }
}

async function writeAll(manager: EntityManager, statement: string, told: readonly unknown[]): Promise<void> {
  if (told.length > 0) await manager.query(statement, [storableJson(told)]);
}

/** A statement may write a row once: facts of the same callback go one after another. */
function rounds(rows: readonly JournalRow[]): JournalRow[][] {
  const times = new Map<string, number>();
  const ordered: JournalRow[][] = [];
  for (const row of rows) {
    const round = times.get(row.id) ?? 0;
    times.set(row.id, round + 1);
    (ordered[round] ??= []).push(row);
  }
  return ordered;
}
