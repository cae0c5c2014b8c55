import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import type { EndpointFigures, EndpointSummary } from '../../service-callbacks/history/records.js';
import { MIN_ATTEMPTS, type DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import type { Tone } from './tone.js';
import { count, counted } from './counts.js';
import { nextAttempt, relative } from './durations.js';
import { failureWords } from './failures.js';
import { sinceWhen } from './times.js';

/** The health of an endpoint: a word, and the rest of the sentence. */
export interface HealthWords {
  readonly tone: Tone;
  readonly state: string;
  readonly sentence: string;
}

/** What both the list and the page of an endpoint know. */
export type Health = Pick<
  EndpointSummary & EndpointFigures,
  | 'failingSince'
  | 'attemptsSinceSuccess'
  | 'lastSuccessAt'
  | 'lastFailureAt'
  | 'lastFailure'
  | 'warnedPercent'
  | 'disabledAt'
  | 'circuit'
>;

/** A failure within this time is mentioned even if the last attempt succeeded, ms. */
const RECENT_MS = 3_600_000;

export function healthWords(health: Health, policy: DisablePolicy, now: Date): HealthWords {
  const { disabledAt, failingSince, lastSuccessAt, lastFailureAt, lastFailure, circuit } = health;
  if (disabledAt !== null) {
    const before =
      failingSince === null ? '' : `; it was failing since ${failure(health, failingSince, now)}`;
    const sentence = `since ${sinceWhen(disabledAt, now)}${before}`;
    return { tone: 'idle', state: 'Disabled', sentence };
  }
  if (failingSince !== null) {
    return {
      tone: 'bad',
      state: circuit === null ? 'Failing' : 'Failing, on hold',
      sentence: `since ${failure(health, failingSince, now)}${warning(health, policy.disablesAt(failingSince, now.getTime()), now)}`,
    };
  }
  if (lastSuccessAt === null) {
    return { tone: 'plain', state: 'Unused', sentence: 'no callback has been sent here yet' };
  }
  const success = `last success ${relative(lastSuccessAt, now)}`;
  if (lastFailureAt !== null && now.getTime() - lastFailureAt.getTime() < RECENT_MS) {
    const last = `last failure ${relative(lastFailureAt, now)}${lastFailure ? `, ${failureWords(lastFailure)}` : ''}`;
    return { tone: 'warn', state: 'Recovering', sentence: `${success}; ${last}` };
  }
  return { tone: 'good', state: 'Working', sentence: success };
}

/** `09:14: 503 Service Unavailable, 57 attempts in a row`. */
function failure({ attemptsSinceSuccess, lastFailure }: Health, since: Date, now: Date): string {
  const start = sinceWhen(since, now);
  if (lastFailure === null) return start;
  const inARow = attemptsSinceSuccess > 1 ? `, ${count(attemptsSinceSuccess)} attempts in a row` : '';
  return `${start}: ${failureWords(lastFailure)}${inARow}`;
}

/** The last warning. */
function warning({ warnedPercent }: Health, disablesAt: Date | null, now: Date): string {
  if (warnedPercent === 0) return '';
  const when =
    disablesAt === null ? `with its ${MIN_ATTEMPTS}th attempt` : `at ${sinceWhen(disablesAt, now)}`;
  return `; it is disabled ${when} if this goes on`;
}

/** The rest of the sentence: what waits, and when the next attempt is. With an open circuit that is its next probe. */
export function waitingWords(
  { backlog, nextAt, circuit }: Pick<EndpointFigures, 'backlog' | 'nextAt' | 'circuit'>,
  now: Date,
): string | undefined {
  if (backlog === 0) return undefined;
  const until = circuit?.until ?? null;
  const at = nextAt === null || (until !== null && until > nextAt) ? until : nextAt;
  const next = at === null ? '' : `; ${nextAttempt(at, now)}`;
  return `${counted(backlog, 'callback')} waiting${next}`;
}

const DISABLED: Readonly<Record<NonNullable<CallbackApi['disabledReason']>, string>> = {
  gone: 'Its server responded 410 Gone, which asks for no more callbacks.',
  failing: 'No attempt succeeded for too long, so it was disabled.',
  by_hand: 'A person disabled it.',
};

export function disabledWords(reason: CallbackApi['disabledReason']): string {
  return `${reason === null ? '' : `${DISABLED[reason]} `}Callbacks are kept meanwhile, and can be replayed.`;
}
