import { describe, expect, it } from '@jest/globals';
import { duration, latency, nextAttempt, relative } from './durations.js';

describe('durations in words', () => {
  it.each([
    [0, '0 ms'],
    [-5, '0 ms'],
    [820, '820 ms'],
    [1_000, '1 s'],
    [1_234, '1.2 s'],
    [40_000, '40 s'],
    [61_000, '1 min'],
    [9_000_000, '2 h 30 min'],
    [7_200_000, '2 h'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms are %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it.each([
    [null, '—'],
    [2.345, '2.3 ms'],
    [8, '8 ms'],
    [117, '117 ms'],
  ])('a latency of %p is %s', (ms, words) => {
    expect(latency(ms)).toBe(words);
  });

  const now = new Date('2026-03-01T12:00:00Z');
  const at = (ms: number) => new Date(now.getTime() + ms);

  it.each([
    [40_400, 'in 40 s'],
    [-180_000, '3 min ago'],
    [-5_000, '5 s ago'],
    [300, 'just now'],
  ])('%d ms from now is %s', (ms, words) => {
    expect(relative(at(ms), now)).toBe(words);
  });

  it('an attempt whose time has come is due', () => {
    expect([40_000, 999, -1].map((ms) => nextAttempt(at(ms), now))).toEqual([
      'next attempt in 40 s',
      'next attempt due now',
      'next attempt due now',
    ]);
  });
});
