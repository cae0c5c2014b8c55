import { seededRandom } from './statistics.js';

export interface Arrival {
  /** Time after the start, ms. */
  readonly atMs: number;
  /** The part of the mix that it belongs to. */
  readonly bad: boolean;
  /** Selects an endpoint, [0, 1). */
  readonly pick: number;
}

/** A Poisson process with a fixed rate. The arrivals do not slow down if a sender falls behind (open loop). */
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

/** Calls `send` at each arrival's time, late ones at once; resolves when all calls have settled. */
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
