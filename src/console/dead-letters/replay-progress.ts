import type { ReplayRun } from '../../service-callbacks/callbacks/replay-run.repository.js';

/** How a replay of many goes on. */
export interface ReplayProgress {
  readonly state: 'running' | 'stopped' | 'done';
  /** Queued, refused, or gone meanwhile. */
  readonly done: number;
  /** Null before the first batch. */
  readonly perSecond: number | null;
  /** Null where it is not running, or nothing is known yet. */
  readonly msLeft: number | null;
}

export function progressOf(run: ReplayRun): ReplayProgress {
  const { total, queued, refused, waiting, requestedAt, advancedAt, stoppedAt } = run;
  const state = stoppedAt === null ? (waiting > 0 ? 'running' : 'done') : 'stopped';
  const handled = queued + refused;
  // The first batch may come at once: less than a second is no measure.
  const seconds =
    advancedAt === null ? 0 : Math.max(1, (advancedAt.getTime() - requestedAt.getTime()) / 1_000);
  const perSecond = seconds === 0 ? null : handled / seconds;
  return {
    state,
    done: state === 'stopped' ? handled : total - waiting,
    perSecond,
    msLeft: state === 'running' && perSecond !== null && perSecond > 0 ? (waiting / perSecond) * 1_000 : null,
  };
}
