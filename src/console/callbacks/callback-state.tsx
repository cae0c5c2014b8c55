import type { LoggedCallback } from '../../service-callbacks/callbacks/records.js';
import { Badge } from '../page/badge.js';
import type { Tone } from '../page/tone.js';
import { answerWords, reasonWords } from '../words/failures.js';

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

/** What was answered last, and why it ended. */
export function outcomeWords({ state, reason, lastStatus, lastError, attemptCount }: LoggedCallback): string {
  const answer = attemptCount === 0 ? 'not attempted' : answerWords(lastStatus, lastError);
  return state === 'given_up' && reason !== null ? `${reasonWords(reason)}: ${answer}` : answer;
}
