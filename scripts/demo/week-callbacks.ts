import type { SeededEndpoint } from './week.js';
import type { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import {
  payloadBinding,
  type AttemptRecord,
  type GiveUpReason,
} from '../../src/service-callbacks/callbacks/callback.js';
import { CallbackTypeRegistry } from '../../src/service-callbacks/callback-types/callback-type-registry.js';
import type { DeliveryError } from '../../src/service-callbacks/connections/errors.js';
import type { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 86_400_000;
/** Callbacks of each endpoint with a record; the figures count more. */
const OF_EACH = 240;
/** How many of them belong to a failure that goes on. */
const OF_FAILURE = 46;
/** How many of those, the newest, wait for their next attempt. */
const WAITING = 8;

const types = new CallbackTypeRegistry();

interface History {
  readonly id: string;
  readonly queuedAt: number;
  readonly state: 'delivered' | 'retrying' | 'given_up';
  readonly reason: GiveUpReason | null;
  readonly attempts: readonly AttemptRecord[];
  readonly nextAt: number | null;
}

/** The subject of a callback, and its payload. */
interface News {
  readonly subjectId: string;
  readonly payload: Record<string, unknown>;
}

/** Records, with payloads that can be sent again. */
export async function seedCallbacks(
  dataSource: DataSource,
  cipher: PayloadCipher,
  endpoints: readonly SeededEndpoint[],
  now: number,
): Promise<void> {
  for (const endpoint of endpoints.filter(({ perHour }) => perHour > 0)) {
    const histories = Array.from({ length: OF_EACH }, (_, index) => ({
      ...historyOf(endpoint, index, now),
      ...subjectOf(endpoint),
    }));
    await insert(
      dataSource,
      'service_callbacks',
      histories.map((history, index) => rowOf(endpoint, history, index)),
    );
    const payloads = histories.map(({ id, payload }) => ({
      id,
      payload: cipher.encrypt(JSON.stringify(payload), payloadBinding(id)),
    }));
    await insert(dataSource, 'service_callback_payloads', payloads);
  }
}

async function insert(dataSource: DataSource, table: string, rows: readonly object[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).join(', ');
  await dataSource.query(
    `INSERT INTO ${table} (${columns})
     SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1)`,
    [JSON.stringify(rows)],
  );
}

/** The example of the type. */
function subjectOf({ callbackType }: SeededEndpoint): News {
  const type = types.get(callbackType);
  const example = type?.example?.();
  if (!type || example === undefined) throw new Error(`${callbackType} has no example to make a week of`);
  return { subjectId: type.identify(example).subjectId, payload: type.payload(example) };
}

/** The first ones are the newest. */
function historyOf(endpoint: SeededEndpoint, index: number, now: number): History {
  const { failing, disabled, latencyMs, failureShare } = endpoint;
  if (failing && index < OF_FAILURE) {
    const queuedAt = now - (index + 1) * (failing.sinceMs / (OF_FAILURE + 4));
    const id = idOf(queuedAt);
    const failed = (times: number) => series(queuedAt, times, failing.failure, latencyMs);
    if (index < WAITING) {
      const nextAt = now + (45 + 6 * index) * MINUTE_MS;
      return {
        id,
        queuedAt,
        state: 'retrying',
        reason: null,
        attempts: failed(1 + Math.floor(index / 3)),
        nextAt,
      };
    }
    return {
      id,
      queuedAt,
      state: 'given_up',
      reason: 'retries_exhausted',
      attempts: failed(6),
      nextAt: null,
    };
  }
  const queuedAt = now - (index + 1) * (WEEK_MS / (OF_EACH + 12)) * 0.97 - 5_000;
  const id = idOf(queuedAt);
  if (disabled && queuedAt >= now - disabled.sinceMs) {
    return { id, queuedAt, state: 'given_up', reason: 'disabled', attempts: [], nextAt: null };
  }
  const failsFirst = Math.random() < failureShare * 2;
  const failures = failsFirst ? series(queuedAt, 1, 'timeout', 5_000) : [];
  if (failsFirst && index % 7 === 0) {
    const attempts = series(queuedAt, 1, '404', latencyMs);
    return { id, queuedAt, state: 'given_up', reason: 'not_retried', attempts, nextAt: null };
  }
  const at = queuedAt + (failsFirst ? 5 * MINUTE_MS : 8);
  const success = { at: new Date(at).toISOString(), duration_ms: vary(latencyMs), status_code: 200 };
  return { id, queuedAt, state: 'delivered', reason: null, attempts: [...failures, success], nextAt: null };
}

function idOf(queuedAt: number): string {
  return uuidv7({ msecs: Math.round(queuedAt) });
}

/** Failed attempts, each later than the one before. */
function series(from: number, count: number, failure: string, ms: number): AttemptRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    at: new Date(from + 8 + index * 5 * MINUTE_MS).toISOString(),
    duration_ms: vary(ms),
    ...(/^\d+$/.test(failure) ? { status_code: Number(failure) } : { error: failure as DeliveryError }),
  }));
}

function vary(ms: number): number {
  return Math.round(ms * (0.7 + Math.random() * 0.8));
}

function rowOf(
  { serviceId, callbackApiId, callbackType, url }: SeededEndpoint,
  { id, subjectId, queuedAt, state, reason, attempts, nextAt }: History & News,
  index: number,
) {
  const queued = new Date(queuedAt).toISOString();
  const changed = attempts.at(-1)?.at ?? queued;
  return {
    id,
    seq: index + 1,
    service_id: serviceId,
    endpoint_id: callbackApiId,
    callback_type: callbackType,
    subject_id: subjectId,
    url,
    state: state === 'retrying' ? 'scheduled' : state,
    reason,
    priority: 1,
    next_attempt_at: nextAt === null ? null : new Date(nextAt).toISOString(),
    generation: 0,
    generation_at: queued,
    attempts: attempts.map((attempt) => ({
      ...attempt,
      ...(attempt.status_code === 503 && {
        excerpt: '<h1>503</h1> No server is available to handle this request.',
        headers: { 'cache-control': 'no-cache', 'content-type': 'text/html' },
      }),
    })),
    attempt_count: attempts.length,
    earlier_attempts: 0,
    stalls: 0,
    alone: false,
    queued_at: queued,
    changed_at: changed,
    finished_at: state === 'retrying' ? null : changed,
  };
}
