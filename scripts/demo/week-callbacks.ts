import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { DeadLetterRepository } from '../../src/service-callbacks/dead-letters/dead-letter.repository.js';
import type { GiveUpReason } from '../../src/service-callbacks/dead-letters/dead-letter.entity.js';
import { CallbackTypeRegistry } from '../../src/service-callbacks/callback-types/callback-type-registry.js';
import { DocumentSealer } from '../../src/service-callbacks/delivery/document-sealer.js';
import type { AttemptRecord } from '../../src/service-callbacks/delivery/callback-job.js';
import type { DeliveryError } from '../../src/service-callbacks/delivery/delivery-outcome.js';
import type { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import type { SeededEndpoint } from './seed-week.js';

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 86_400_000;
/** Callbacks that the log is given of each endpoint; the figures know of more. */
const OF_EACH = 240;
/** Of them, those of a failure that goes on. */
const OF_FAILURE = 46;
/** Of those, the newest that wait. Few, and for long: no job is behind them, and their time never comes. */
const WAITING = 8;

const types = new CallbackTypeRegistry();

interface Story {
  readonly id: string;
  readonly queuedAt: number;
  readonly state: 'delivered' | 'retrying' | 'given_up';
  readonly reason: GiveUpReason | null;
  readonly attempts: readonly AttemptRecord[];
  readonly nextAt: number | null;
}

/** What a story is about, and the document that tells it. */
interface News {
  readonly subjectId: string;
  readonly payload: Record<string, unknown>;
}

/** Rows of the log, and the dead letters among them, with documents that can be sent. */
export async function seedCallbacks(
  dataSource: DataSource,
  cipher: PayloadCipher,
  endpoints: readonly SeededEndpoint[],
  now: number,
): Promise<void> {
  for (const endpoint of endpoints.filter(({ perHour }) => perHour > 0)) {
    const stories = Array.from({ length: OF_EACH }, (_, index) => ({
      ...storyOf(endpoint, index, now),
      ...newsOf(endpoint),
    }));
    await dataSource.query(
      `INSERT INTO service_callback_log SELECT * FROM jsonb_populate_recordset(NULL::service_callback_log, $1)`,
      [JSON.stringify(stories.map((story) => rowOf(endpoint, story)))],
    );
    const dead = stories.filter(({ state }) => state === 'given_up');
    for (const story of dead) await bury(dataSource, cipher, endpoint, story);
  }
}

/** The example of the type: whole, as its jobs and dead letters have it. */
function newsOf({ callbackType }: SeededEndpoint): News {
  const type = types.get(callbackType);
  const example = type?.example?.();
  if (!type || example === undefined) throw new Error(`${callbackType} has no example to make a week of`);
  return { subjectId: type.identify(example).subjectId, payload: type.payload(example) };
}

/** The first are the newest. */
function storyOf(endpoint: SeededEndpoint, index: number, now: number): Story {
  const { failing, disabled, answerMs, failureShare } = endpoint;
  const id = randomUUID();
  if (failing && index < OF_FAILURE) {
    const queuedAt = now - (index + 1) * (failing.sinceMs / (OF_FAILURE + 4));
    const tried = (times: number) => series(queuedAt, times, failing.failure, answerMs);
    if (index < WAITING) {
      const nextAt = now + (45 + 6 * index) * MINUTE_MS;
      return {
        id,
        queuedAt,
        state: 'retrying',
        reason: null,
        attempts: tried(1 + Math.floor(index / 3)),
        nextAt,
      };
    }
    return { id, queuedAt, state: 'given_up', reason: 'retries_exhausted', attempts: tried(6), nextAt: null };
  }
  const queuedAt = now - (index + 1) * (WEEK_MS / (OF_EACH + 12)) * 0.97 - 5_000;
  if (disabled && queuedAt >= now - disabled.sinceMs) {
    return { id, queuedAt, state: 'given_up', reason: 'disabled', attempts: [], nextAt: null };
  }
  const failsFirst = Math.random() < failureShare * 2;
  const failures = failsFirst ? series(queuedAt, 1, 'timeout', 5_000) : [];
  if (failsFirst && index % 7 === 0) {
    const attempts = series(queuedAt, 1, '404', answerMs);
    return { id, queuedAt, state: 'given_up', reason: 'not_retried', attempts, nextAt: null };
  }
  const at = queuedAt + (failsFirst ? 5 * MINUTE_MS : 8);
  const success = { at: new Date(at).toISOString(), duration_ms: vary(answerMs), status_code: 200 };
  return { id, queuedAt, state: 'delivered', reason: null, attempts: [...failures, success], nextAt: null };
}

/** Attempts that failed, each later than the one before. */
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

function rowOf({ serviceId, callbackApiId, callbackType }: SeededEndpoint, story: Story & News) {
  const { id, subjectId, queuedAt, state, reason, attempts, nextAt } = story;
  const last = attempts.at(-1);
  return {
    id,
    queued_at: new Date(queuedAt).toISOString(),
    service_id: serviceId,
    callback_api_id: callbackApiId,
    callback_type: callbackType,
    subject_id: subjectId,
    state,
    reason,
    generation: 0,
    attempts: attempts.map(({ at, duration_ms, status_code, error }) => ({
      at,
      ms: duration_ms,
      ...(status_code !== undefined && { status: status_code }),
      ...(error !== undefined && { error }),
      ...(status_code === 503 && { excerpt: '<h1>503</h1>\nNo server is available to handle this request.' }),
    })),
    attempt_count: attempts.length,
    last_status: last?.status_code ?? null,
    last_error: last?.error ?? null,
    first_attempt_at: attempts[0]?.at ?? null,
    last_attempt_at: last?.at ?? null,
    next_at: nextAt === null ? null : new Date(nextAt).toISOString(),
    forward_ms: attempts.length > 0 ? 8 : null,
    changed_at: new Date(queuedAt).toISOString(),
  };
}

async function bury(
  dataSource: DataSource,
  cipher: PayloadCipher,
  { serviceId, callbackApiId, callbackType, url }: SeededEndpoint,
  { id, subjectId, payload, queuedAt, reason, attempts }: Story & News,
): Promise<void> {
  const document = { v: 1, url, bearer_token: 'of-now-at-replay', payload } as const;
  await new DeadLetterRepository(dataSource).bury({
    id,
    serviceId,
    callbackApiId,
    callbackType,
    subjectId,
    url,
    reason: reason ?? 'not_retried',
    detail: null,
    document: new DocumentSealer(cipher).seal(id, document),
    generation: 0,
    attempts,
    queuedAt: new Date(queuedAt),
    givenUpAt: new Date(Date.parse(attempts.at(-1)?.at ?? new Date(queuedAt).toISOString()) + 1_000),
    replayRequestedAt: null,
    replayId: null,
    replayedAt: null,
  });
}
