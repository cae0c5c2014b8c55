import type { GiveUpReason } from '../dead-letters/dead-letter.entity.js';
import type { AttemptRecord } from '../delivery/callback-job.js';
import type { Callback } from '../delivery/callback.js';
import type { LogState } from './records.js';

/** Attempts a row keeps; of more, the last ones. */
export const MAX_ATTEMPTS = 50;
/** Characters of an id or a name that are kept: a job nobody understands may claim anything, an index takes 2,700 bytes. */
const MAX_TEXT = 255;

/** How a callback stands, as it is sent to the database: JSON, times as Unix ms. */
export interface JournalRow {
  readonly id: string;
  readonly queued_at: number;
  readonly service_id: string | null;
  readonly callback_api_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly state: LogState;
  readonly reason: GiveUpReason | null;
  readonly generation: number;
  readonly attempt_count: number;
  readonly attempts: readonly JournalAttempt[];
  readonly next_at: number | null;
  readonly changed_at: number;
}

export interface JournalAttempt {
  readonly at: string;
  readonly ms: number;
  readonly status?: number;
  readonly error?: string;
  readonly excerpt?: string;
}

/** What else a row says. */
export interface Standing {
  readonly state: LogState;
  readonly reason?: GiveUpReason;
  readonly nextAt?: number;
}

/** A callback, or as much as is known of one. */
export type LogSubject = Partial<Callback> & { readonly id: string };

export function rowOf(
  subject: LogSubject,
  { state, reason, nextAt }: Standing,
  now: number,
  excerpts: WeakMap<AttemptRecord, string>,
): JournalRow {
  const attempts = subject.attempts ?? [];
  return {
    id: subject.id,
    queued_at: subject.queuedAt ?? now,
    service_id: bounded(subject.serviceId),
    callback_api_id: bounded(subject.callbackApiId),
    callback_type: bounded(subject.callbackType) ?? 'unknown',
    subject_id: bounded(subject.subjectId),
    state,
    reason: reason ?? null,
    generation: subject.generation ?? 0,
    attempt_count: attempts.length,
    attempts: attempts.slice(-MAX_ATTEMPTS).map((record) => attemptOf(record, excerpts.get(record))),
    next_at: nextAt ?? null,
    changed_at: now,
  };
}

function attemptOf({ at, duration_ms: ms, status_code: status, error }: AttemptRecord, excerpt?: string) {
  if (status === undefined) return { at, ms, ...(error !== undefined && { error }) };
  return excerpt === undefined ? { at, ms, status } : { at, ms, status, excerpt };
}

export function bounded(text: string | undefined): string | null {
  if (text === undefined) return null;
  return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
}
