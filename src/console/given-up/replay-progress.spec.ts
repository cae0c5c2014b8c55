import { describe, expect, it } from '@jest/globals';
import type { ReplayRun } from '../../service-callbacks/replay/replay-run.repository.js';
import { progressOf } from './replay-progress.js';

const requestedAt = new Date('2026-03-01T12:00:00Z');
const after = (ms: number) => new Date(requestedAt.getTime() + ms);

const run = (change: Partial<ReplayRun>): ReplayRun => ({
  id: 'a-run',
  serviceId: null,
  total: 100,
  queued: 0,
  refused: 0,
  waiting: 100,
  underWay: 0,
  delivered: 0,
  givenUp: 0,
  requestedAt,
  advancedAt: null,
  stoppedAt: null,
  ...change,
});

describe('the progress of a replay', () => {
  it('knows no rate before the first batch', () => {
    expect(progressOf(run({}))).toEqual({ state: 'running', done: 0, perSecond: null, msLeft: null });
  });

  it('derives the rate and the time left from what is done', () => {
    const half = run({ queued: 45, refused: 5, waiting: 50, advancedAt: after(10_000) });
    expect(progressOf(half)).toEqual({ state: 'running', done: 50, perSecond: 5, msLeft: 10_000 });
  });

  it('derives no rate from a first batch that comes at once', () => {
    expect(progressOf(run({ queued: 10, waiting: 90, advancedAt: after(2) })).perSecond).toBe(10);
  });

  it('is done when nothing waits, also if callbacks were deleted meanwhile', () => {
    const over = run({ queued: 80, waiting: 0, advancedAt: after(8_000) });
    expect(progressOf(over)).toMatchObject({ state: 'done', done: 100, msLeft: null });
  });

  it('is not done while some replays are not delivered', () => {
    const sent = run({ queued: 100, waiting: 0, underWay: 30, delivered: 68, givenUp: 2 });
    expect(progressOf(sent)).toMatchObject({ state: 'arriving', done: 70, msLeft: null });
  });

  it('keeps its counts when it is stopped', () => {
    const stopped = run({ queued: 30, waiting: 0, advancedAt: after(3_000), stoppedAt: after(3_500) });
    expect(progressOf(stopped)).toMatchObject({ state: 'stopped', done: 30, msLeft: null });
  });
});
