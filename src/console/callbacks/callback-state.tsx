import { HOLD_REASONS } from '../../service-callbacks/callbacks/callback.js';
import type { LoggedCallback } from '../../service-callbacks/history/records.js';
import { Badge } from '../page/badge.js';
import type { Tone } from '../words/tone.js';
import { attemptWords, reasonWords } from '../words/failures.js';

type State = LoggedCallback['state'];

export const STATE_WORDS: Readonly<Record<State, string>> = {
  waiting: 'Waiting',
  delivered: 'Delivered',
  retrying: 'Retrying',
  deferred: 'Deferred',
  given_up: 'Given up',
};

const TONES: Readonly<Record<State, Tone>> = {
  waiting: 'plain',
  delivered: 'good',
  retrying: 'warn',
  deferred: 'idle',
  given_up: 'bad',
};

export const CallbackState = ({ state }: Pick<LoggedCallback, 'state'>) => (
  <Badge tone={TONES[state]}>{STATE_WORDS[state]}</Badge>
);

/** Its endpoint is on hold: the next attempt is a probe, or follows the end of the hold. */
export function isOnHold({ detail }: Pick<LoggedCallback, 'detail'>): boolean {
  return HOLD_REASONS.some((reason) => reason === detail);
}

type Ended = Pick<LoggedCallback, 'reason' | 'lastStatus' | 'lastError' | 'attemptCount'>;

/** `503 Service Unavailable`, `Rejected (404 Not Found), not retried`, `Endpoint disabled; not attempted`. */
export function outcomeWords(callback: Ended): string {
  const { reason, lastStatus, lastError, attemptCount } = callback;
  const response = attemptCount === 0 ? 'not attempted' : attemptWords(lastStatus, lastError);
  if (reason === null) return response;
  return reason === 'not_retried'
    ? `Rejected (${response}), not retried`
    : `${reasonWords(reason)}; ${response}`;
}
