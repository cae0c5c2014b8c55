import type { DeadLetterEntity } from '../../service-callbacks/dead-letters/dead-letter.entity.js';
import type { LoggedCallbackWithAttempts } from '../../service-callbacks/delivery-log/records.js';

/** A callback of which only its dead letter is left: the log is off, keeps less long, or lost its entry. */
export function callbackOfLetter(letter: DeadLetterEntity): LoggedCallbackWithAttempts {
  const attempts = letter.attempts.map(({ at, duration_ms, status_code, error }) => ({
    at: new Date(at),
    durationMs: duration_ms,
    statusCode: status_code ?? null,
    error: error ?? null,
    excerpt: null,
  }));
  const [first, last] = [attempts.at(0), attempts.at(-1)];
  const { id, serviceId, callbackApiId, callbackType, subjectId, reason, queuedAt } = letter;
  return {
    id,
    serviceId,
    callbackApiId,
    callbackType,
    subjectId,
    reason,
    queuedAt,
    attempts,
    state: 'given_up',
    attemptCount: attempts.length,
    lastStatus: last?.statusCode ?? null,
    lastError: last?.error ?? null,
    firstAttemptAt: first?.at ?? null,
    lastAttemptAt: last?.at ?? null,
    nextAt: null,
    forwardMs: null,
  };
}
