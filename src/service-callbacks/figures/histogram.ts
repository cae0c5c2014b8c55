import type { Percentiles } from '../history/records.js';

/** Upper bounds of the buckets, ms: from 1 by factors of √2 to more than 12 days. The last bucket has no bound. */
const BOUNDS: readonly number[] = Array.from({ length: 60 }, (_, index) => 2 ** (index / 2));

/** The bucket of a duration (ms). */
export function bucketOf(durationMs: number): number {
  if (durationMs <= 1) return 0;
  return Math.min(BOUNDS.length, Math.ceil(2 * Math.log2(durationMs)));
}

/** Adds a duration. A histogram grows to the highest bucket that it needs, here and in the database. */
export function observe(histogram: number[], durationMs: number): void {
  const bucket = bucketOf(durationMs);
  while (histogram.length <= bucket) histogram.push(0);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

export function percentilesOf(histogram: readonly number[]): Percentiles {
  return { p50: quantile(histogram, 0.5), p99: quantile(histogram, 0.99) };
}

/** Assumes that the values within a bucket are spread evenly. */
function quantile(histogram: readonly number[], share: number): number | null {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [bucket, count] of histogram.entries()) {
    if (count > 0 && left <= count) {
      const low = bucket === 0 ? 0 : (BOUNDS[bucket - 1] ?? 0);
      const high = BOUNDS[bucket] ?? low;
      return low + ((high - low) * left) / count;
    }
    left -= count;
  }
  return BOUNDS.at(-1) ?? null;
}
