import { describe, expect, it } from '@jest/globals';
import { DeferralSchedule } from './deferral-schedule.js';

const unspread = (wakeUpsPerSecond: number) => new DeferralSchedule(wakeUpsPerSecond, () => 0);

/** Park and Miller's: the same numbers at each run, from [0, 1). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe('DeferralSchedule', () => {
  it('brings the first one back as early as it may come', () => {
    expect(unspread(100).next('a', 5_000, 0)).toBe(5_000);
  });

  it('spaces 100,000 behind one dead endpoint: never more than the rate in any second', () => {
    const schedule = unspread(100);
    const perSecond = new Map<number, number>();
    for (let callback = 0; callback < 100_000; callback += 1) {
      const second = Math.floor(schedule.next('dead', 30_000, 0) / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(101);
    expect(perSecond.size).toBe(1_000);
  });

  it('does not make a few behind one endpoint wait for the thousands behind another', () => {
    const schedule = unspread(100);
    for (let callback = 0; callback < 10_000; callback += 1) schedule.next('big', 30_000, 0);
    expect(schedule.next('small', 30_000, 0)).toBe(30_000);
    expect(schedule.next('small', 30_000, 0)).toBeLessThanOrEqual(30_020);
  });

  it('spaces each line wider, the more lines there are', () => {
    const schedule = unspread(100);
    for (let endpoint = 0; endpoint < 1_000; endpoint += 1) schedule.next(`dead ${endpoint}`, 1_000, 0);
    expect(schedule.next('dead 0', 1_000, 0) - 1_000).toBe(10_000);
  });

  it('brings lines that begin at the same moment back each at its own', () => {
    const schedule = new DeferralSchedule(100, seededRandom(1));
    const perTenth = new Map<number, number>();
    for (let callback = 0; callback < 1_000; callback += 1) {
      const tenth = Math.floor(schedule.next(`dead ${callback % 100}`, 5_000, 0) / 100);
      perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
    }
    // Ten is the mean; in step it would be a hundred.
    expect(Math.max(...perTenth.values())).toBeLessThan(40);
  });

  it('brings the first of a line back within half a second, however many lines there are', () => {
    const schedule = new DeferralSchedule(100, () => 0.999);
    const dues = Array.from({ length: 1_000 }, (_, n) => schedule.next(`dead ${n}`, 5_000, 0));
    expect(Math.max(...dues)).toBeLessThanOrEqual(5_500);
  });

  it('forgets a line that has passed', () => {
    const schedule = unspread(1);
    schedule.next('a', 1_000, 0);
    schedule.next('a', 1_000, 0);
    expect(schedule.next('a', 9_000, 9_000)).toBe(9_000);
  });
});
