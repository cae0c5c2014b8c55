import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { DeadLetterRepository } from '../../src/service-callbacks/dead-letters/dead-letter.repository.js';
import type { GiveUpReason } from '../../src/service-callbacks/dead-letters/dead-letter.entity.js';
import { DocumentSealer } from '../../src/service-callbacks/delivery/document-sealer.js';
import type { AttemptRecord } from '../../src/service-callbacks/delivery/callback-job.js';
import type { DeliveryError } from '../../src/service-callbacks/delivery/delivery-outcome.js';
import type { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import type { SeededEndpoint } from './seed-week.js';

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 86_400_000;
/** Callbacks that the log is given of each endpoint; the figures know of more. */
const OF_EACH = 240;
const DEAD = 38;

type State = 'delivered' | 'retrying' | 'deferred' | 'given_up';

interface Story {
  readonly id: string;
  readonly queuedAt: number;
  readonly state: State;
  readonly reason: GiveUpReason | null;
  readonly attempts: readonly AttemptRecord[];
  readonly nextAt: number | null;
}

/** Rows of the log, and the dead letters among them, with documents that can be sent. */
export async function seedCallbacks(
  dataSource: DataSource,
  cipher: PayloadCipher,
  endpoints: readonly SeededEndpoint[],
  now: number,
): Promise<void> {
  for (const endpoint of endpoints.filter(({ perHour }) => perHour > 0)) {
    const stories = Array.from({ length: OF_EACH }, (_, index) => storyOf(endpoint, index, now));
    await dataSource.query(
      `INSERT INTO service_callback_log SELECT * FROM jsonb_populate_recordset(NULL::service_callback_log, $1)`,
      [JSON.stringify(stories.map((story) => rowOf(endpoint, story)))],
    );
    const dead = stories.filter(({ state }) => state === 'given_up');
    for (const story of dead) await bury(dataSource, cipher, endpoint, story);
  }
}

/** The first are the newest. */
function storyOf(endpoint: SeededEndpoint, index: number, now: number): Story {
  const { failing, disabled, answerMs, failureShare } = endpoint;
  const id = randomUUID();
  if (failing && index < 120) {
    const queuedAt = now - (index + 1) * (failing.sinceMs / 130);
    const attempts = series(queuedAt, 1 + (index % 4), failing.failure, answerMs);
    if (index < DEAD)
      return { id, queuedAt, state: 'deferred', reason: null, attempts: [], nextAt: now + 40_000 };
    const isOver = index > 120 - DEAD;
    return {
      id,
      queuedAt,
      attempts,
      state: isOver ? 'given_up' : 'retrying',
      reason: isOver ? 'retries_exhausted' : null,
      nextAt: isOver ? null : now + (2 + (index % 9)) * MINUTE_MS,
    };
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

function rowOf({ serviceId, callbackApiId, callbackType }: SeededEndpoint, story: Story) {
  const { id, queuedAt, state, reason, attempts, nextAt } = story;
  const last = attempts.at(-1);
  return {
    id,
    queued_at: new Date(queuedAt).toISOString(),
    service_id: serviceId,
    callback_api_id: callbackApiId,
    callback_type: callbackType,
    subject_id: randomUUID(),
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
  { id, queuedAt, reason, attempts }: Story,
): Promise<void> {
  const document = { v: 1, url, bearer_token: 'of-now-at-replay', payload: { id, demo: true } } as const;
  await new DeadLetterRepository(dataSource).bury({
    id,
    serviceId,
    callbackApiId,
    callbackType,
    subjectId: randomUUID(),
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
