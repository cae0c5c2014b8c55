import { describe, expect, it } from '@jest/globals';
import type { QueueBackend } from '../queues/queue-backend.js';
import { Clock } from '../clock.js';
import { ClockGuard, whyNoJobs, type ClockState } from './clock-guard.js';

/** A test sets both clocks; the wall clock may be wrong. */
class HeldClock extends Clock {
  constructor(
    private elapsedMs: number,
    private readonly offMs: number,
  ) {
    super();
  }

  override now(): number {
    return this.elapsedMs + this.offMs;
  }

  override monotonic(): number {
    return this.elapsedMs;
  }

  pass(ms: number): void {
    this.elapsedMs += ms;
  }
}

/** @param readAfterMs when in the round trip the queue reads its clock, which is right */
async function stateOf(offMs: number, roundTripMs: number, readAfterMs: number): Promise<ClockState> {
  const clock = new HeldClock(1_000_000, offMs);
  const now = async () => {
    clock.pass(readAfterMs);
    const read = clock.monotonic();
    clock.pass(roundTripMs - readAfterMs);
    return read;
  };
  const guard = new ClockGuard({ now } as unknown as QueueBackend, clock, () => undefined);
  await guard.start();
  guard.stop();
  return guard.current;
}

describe('ClockGuard', () => {
  it.each([
    ['a clock that is right', 0, 10, 5, 'trusted'],
    ['2 s off, the most that is allowed', 2_000, 0, 0, 'trusted'],
    ['2,001 ms ahead', 2_001, 0, 0, 'skewed'],
    ['2,001 ms behind', -2_001, 0, 0, 'skewed'],
    ['two hours ahead of a queue that takes its time', 7_200_000, 30_000, 30_000, 'skewed'],
    ['right, and the queue hung after it had read its clock', 0, 30_000, 0, 'unknown'],
    ['right, and the queue hung before it read its clock', 0, 30_000, 30_000, 'unknown'],
    ['3 s off, and a response too slow to be conclusive', 3_000, 4_000, 2_000, 'unknown'],
  ] as const)('%s: %i ms, in a round trip of %i ms, read after %i: %s', async (_, off, trip, read, kind) => {
    expect(await stateOf(off, trip, read)).toMatchObject({ kind });
  });

  it('says why there are no jobs: the clock is ahead, behind, or not known yet', () => {
    expect(whyNoJobs({ kind: 'skewed', skewMs: 7_200_000 })).toContain("7200000 ms ahead of the queue's");
    expect(whyNoJobs({ kind: 'skewed', skewMs: -7_200_000 })).toContain("7200000 ms behind the queue's");
    expect(whyNoJobs({ kind: 'unknown' })).toContain('the clock has not been checked against the queue yet');
  });
});
