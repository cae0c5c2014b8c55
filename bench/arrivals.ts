import { seededRandom } from './statistics.js';

export interface Arrival {
  /** After the start, ms. */
  readonly atMs: number;
  /** Which of the mix it belongs to. */
  readonly bad: boolean;
  /** Picks an endpoint, [0, 1). */
  readonly pick: number;
}

/**
 * A Poisson process at a fixed rate: open loop, so a sender that falls behind does not slow the arrivals
 * it is measured by.
 */
export function poissonArrivals(
  ratePerSecond: number,
  seconds: number,
  badShare: number,
  seed: number,
): Arrival[] {
  const random = seededRandom(seed);
  const arrivals: Arrival[] = [];
  for (let atMs = 0; ;) {
    atMs += (-Math.log(1 - random()) / ratePerSecond) * 1_000;
    if (atMs > seconds * 1_000) return arrivals;
    arrivals.push({ atMs, bad: random() < badShare, pick: random() });
  }
}

/** Calls `send` at each arrival's moment, late ones at once; resolves when all calls have settled. */
export async function play(
  arrivals: readonly Arrival[],
  send: (arrival: Arrival, intendedAt: number) => Promise<void>,
) {
  const start = performance.timeOrigin + performance.now();
  const running: Promise<void>[] = [];
  for (const arrival of arrivals) {
    const wait = start + arrival.atMs - (performance.timeOrigin + performance.now());
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    running.push(send(arrival, start + arrival.atMs));
  }
  await Promise.all(running);
}
