import type { CallbackApi } from '../../service-callbacks/callback-apis/callback-api.repository.js';
import type { EndpointFigures, EndpointSummary } from '../../service-callbacks/delivery-log/records.js';
import type { Tone } from '../page/tone.js';
import { count, counted } from './counts.js';
import { nextTry, relative } from './durations.js';
import { failureWords } from './failures.js';
import { sinceWhen } from './times.js';

/** How an endpoint is: in a word, and in a sentence. */
export interface HealthWords {
  readonly tone: Tone;
  readonly state: string;
  readonly sentence: string;
}

/** What both the list and the page of an endpoint know. */
export type Health = Pick<
  EndpointSummary & EndpointFigures,
  'failingSince' | 'attemptsSinceSuccess' | 'lastSuccessAt' | 'lastFailureAt' | 'lastFailure' | 'circuit'
>;

/** A failure so recent that it is worth a word though the last attempt succeeded, ms. */
const RECENT_MS = 3_600_000;

export function healthWords(health: Health, disabledAt: Date | null, now: Date): HealthWords {
  if (disabledAt !== null) {
    return { tone: 'idle', state: 'Disabled', sentence: `Disabled since ${sinceWhen(disabledAt, now)}` };
  }
  if (health.failingSince !== null) return failing(health, health.failingSince, now);
  const { lastSuccessAt, lastFailureAt, lastFailure } = health;
  if (lastSuccessAt === null) {
    return { tone: 'plain', state: 'Unused', sentence: 'No callback has been sent here yet' };
  }
  const success = `Last success ${relative(lastSuccessAt, now)}`;
  if (lastFailureAt !== null && now.getTime() - lastFailureAt.getTime() < RECENT_MS) {
    const failure = `last failure ${relative(lastFailureAt, now)}${lastFailure ? `, ${failureWords(lastFailure)}` : ''}`;
    return { tone: 'warn', state: 'Recovering', sentence: `${success}; ${failure}` };
  }
  return { tone: 'good', state: 'Working', sentence: success };
}

function failing(
  { attemptsSinceSuccess, lastFailure, circuit }: Health,
  since: Date,
  now: Date,
): HealthWords {
  const parts = [`Failing since ${sinceWhen(since, now)}`];
  if (lastFailure !== null) {
    const answer = failureWords(lastFailure);
    parts.push(
      attemptsSinceSuccess > 1 ? `${answer}, ${count(attemptsSinceSuccess)} attempts in a row` : answer,
    );
  }
  return {
    tone: 'bad',
    state: circuit === null ? 'Failing' : 'Failing, circuit open',
    sentence: parts.join(': '),
  };
}

/** What goes on behind that: what waits, and when the next try is. */
export function waitingWords(backlog: number, nextAt: Date | null, now: Date): string | undefined {
  if (backlog === 0) return undefined;
  const next = nextAt === null ? '' : `; ${nextTry(nextAt, now)}`;
  return `${counted(backlog, 'callback')} waiting${next}`;
}

const DISABLED: Readonly<Record<NonNullable<CallbackApi['disabledReason']>, string>> = {
  gone: 'Its server answered 410 Gone, which asks for no more callbacks.',
  failing: 'It had failed for so long that it was switched off.',
  by_hand: 'Somebody switched it off.',
};

export function disabledWords(reason: CallbackApi['disabledReason']): string {
  return `${reason === null ? '' : `${DISABLED[reason]} `}Callbacks are kept as dead letters meanwhile.`;
}
