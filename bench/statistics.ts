/** A ratio of subject to baseline over interleaved pairs. */
export interface Ratio {
  readonly median: number;
  /** The 95 % interval of the geometric mean of the ratios. Both ends are equal for a single pair. */
  readonly low: number;
  readonly high: number;
}

/** Student's t, two-sided 95 %, by degrees of freedom from 1. */
const T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/**
 * Calculated on logarithms, because ratios multiply.
 * @param pairs at least one; both numbers above 0
 */
export function ratioOf(pairs: readonly { readonly subject: number; readonly baseline: number }[]): Ratio {
  const logs = pairs.map(({ subject, baseline }) => Math.log(subject / baseline));
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / Math.max(1, logs.length - 1);
  const half =
    logs.length > 1 ? ((T95[logs.length - 2] ?? 2) * Math.sqrt(variance)) / Math.sqrt(logs.length) : 0;
  return { median: Math.exp(median(logs)), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}

/**
 * For an even number of values, the mean of the two in the middle.
 * @returns NaN for an empty list
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  const lower = (sorted.length - 1) >> 1;
  return ((sorted[lower] ?? Number.NaN) + (sorted[upper] ?? Number.NaN)) / 2;
}

/**
 * Nearest rank.
 * @param rank 0–100
 * @returns NaN for an empty list
 */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1);
  return sorted[index] ?? Number.NaN;
}

/**
 * Mulberry32: small, seeded, and good enough for arrivals.
 * @returns numbers in [0, 1)
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
