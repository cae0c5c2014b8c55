import { describe, expect, it } from '@jest/globals';
import { DisablePolicy, type PolicyResult } from './disable-policy.js';

const DAY = 86_400_000;
const START = Date.parse('2026-03-01T00:00:00Z');
const policy = new DisablePolicy(5 * DAY);

const judge = (days: number, attempts: number, warnedPercent = 0) =>
  policy.judge({ failingSince: new Date(START), attempts, warnedPercent }, START + days * DAY);
const warning = (
  percent: 50 | 70 | 90,
  disablesAt: Date | null = new Date(START + 5 * DAY),
): PolicyResult => ({ kind: 'warn', percent, disablesAt });
const nothing: PolicyResult = { kind: 'nothing' };

describe('DisablePolicy', () => {
  it.each<[string, number, number, number, PolicyResult]>([
    ['says nothing of a failure that is young', 2.49, 10_000, 0, nothing],
    ['warns at half of the time', 2.5, 100, 0, warning(50)],
    ['gives each warning once', 2.9, 100, 50, nothing],
    ['warns at 70 %', 3.5, 100, 50, warning(70)],
    ['warns at 90 %', 4.5, 100, 70, warning(90)],
    ['gives only the last of those it has missed', 4.6, 100, 0, warning(90)],
    ['gives no lesser one after a greater', 3.6, 100, 90, nothing],
    ['disables when the time is over', 5, 100, 90, { kind: 'disable' }],
    ['disables also without a warning before', 60, 100, 0, { kind: 'disable' }],
    ['does not judge by a handful of attempts, however long it has been', 365, 49, 0, nothing],
    ['says how far it is by the lesser of time and attempts', 4.9, 75, 50, warning(70)],
    ['names no time that has been', 60, 75, 50, warning(70, null)],
    ['waits for the last attempt', 60, 99, 90, nothing],
    ['does not know of a failure in the future', -1, 100, 0, nothing],
  ])('%s', (_, days, attempts, warned, result) => {
    expect(judge(days, attempts, warned)).toEqual(result);
  });

  it('never warns or disables with 0', () => {
    const never = new DisablePolicy(0);
    const failure = { failingSince: new Date(0), attempts: 1_000_000, warnedPercent: 0 };
    expect(never.judge(failure, Date.now())).toEqual(nothing);
  });

  it('ignores failures that began in the last half of the time', () => {
    expect(policy.latestStart(START + 2.5 * DAY)).toBe(START);
  });
});
