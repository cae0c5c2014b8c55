import { describe, expect, it } from '@jest/globals';
import { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import { healthWords, waitingWords, type Health } from './endpoint-health.js';

const now = new Date('2026-11-26T12:00:00Z');
const at = (time: string) => new Date(`2026-11-${time}:00Z`);

const FAILING: Health = {
  failingSince: at('24T09:14'),
  attemptsSinceSuccess: 57,
  lastSuccessAt: at('24T09:13'),
  lastFailureAt: at('26T11:59'),
  lastFailure: '503',
  warnedPercent: 0,
  disabledAt: null,
  circuit: null,
};
const FAILURE = '09:14 on 24 Nov: 503 Service Unavailable, 57 attempts in a row';

const DAY_MS = 86_400_000;

const sentence = (change: Partial<Health>, disableAfterDays = 5) =>
  healthWords({ ...FAILING, ...change }, new DisablePolicy(disableAfterDays * DAY_MS), now).sentence;

describe('how an endpoint is, in words', () => {
  it('says when a failing endpoint is disabled, after a warning', () => {
    expect(sentence({})).toBe(`since ${FAILURE}`);
    expect(sentence({ warnedPercent: 50 })).toBe(
      `since ${FAILURE}; it is disabled at 09:14 on 29 Nov if this goes on`,
    );
    expect(sentence({ warnedPercent: 50 }, 1)).toBe(
      `since ${FAILURE}; it is disabled with its 100th attempt if this goes on`,
    );
  });

  it('says how a disabled endpoint failed', () => {
    const disabledAt = at('26T09:14');
    expect(sentence({ disabledAt })).toBe(`since 09:14; it was failing since ${FAILURE}`);
    expect(sentence({ disabledAt, failingSince: null })).toBe('since 09:14');
  });

  it('shows the next probe while the circuit is open', () => {
    const waiting = { backlog: 2, nextAt: new Date(now.getTime() + 5_000) };
    const circuit = (ms: number) => ({
      callbackApiId: 'an-id',
      state: 'open' as const,
      until: new Date(now.getTime() + ms),
    });
    expect(
      [null, circuit(40_000), circuit(1_000)].map((each) => waitingWords({ ...waiting, circuit: each }, now)),
    ).toEqual([
      '2 callbacks waiting; next attempt in 5 s',
      '2 callbacks waiting; next attempt in 40 s',
      '2 callbacks waiting; next attempt in 5 s',
    ]);
    // A held callback has no time of its own.
    expect(waitingWords({ ...waiting, nextAt: null, circuit: circuit(40_000) }, now)).toBe(
      '2 callbacks waiting; next attempt in 40 s',
    );
  });
});
