import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, observe, percentilesOf } from './histogram.js';

describe('a histogram', () => {
  it('has no percentiles if it is empty', () => {
    expect(percentilesOf([])).toEqual({ p50: null, p99: null });
    expect(percentilesOf([0, 0])).toEqual({ p50: null, p99: null });
  });

  it.each([
    [0, 0],
    [1, 0],
    [1.1, 1],
    [2, 2],
    [5_000, 25],
    [1e15, 60],
  ])('puts %d ms into bucket %d', (durationMs, bucket) => {
    expect(bucketOf(durationMs)).toBe(bucket);
  });

  it('estimates a median within a factor of √2', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1 }), (durations) => {
        const histogram: number[] = [];
        for (const duration of durations) observe(histogram, duration);
        const { p50, p99 } = percentilesOf(histogram);
        const sorted = durations.toSorted((one, other) => one - other);
        const median = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
        expect(p50).toBeGreaterThan(median / Math.SQRT2 - 1);
        expect(p50).toBeLessThanOrEqual(median * Math.SQRT2 + 1e-6);
        expect(p99).toBeGreaterThanOrEqual(p50 ?? 0);
      }),
    );
  });
});
