import type { ReplayRun } from '../../service-callbacks/replay/replay-run.repository.js';

/** The progress of a replay of many. */
export interface ReplayProgress {
  /** `arriving`: all are queued again, and some are not finished. */
  readonly state: 'running' | 'arriving' | 'stopped' | 'done';
  /** Finished, refused, or removed meanwhile. */
  readonly done: number;
  /** Replays a second; null before the first batch. */
  readonly perSecond: number | null;
  /** The time until all are queued; null if it is not running, or no rate is known yet. */
  readonly msLeft: number | null;
}

export function progressOf(run: ReplayRun): ReplayProgress {
  const { total, queued, refused, waiting, underWay, requestedAt, advancedAt } = run;
  const state = stateOf(run);
  const handled = queued + refused;
  // The first batch may come at once: a rate over less than a second means nothing.
  const seconds =
    advancedAt === null ? 0 : Math.max(1, (advancedAt.getTime() - requestedAt.getTime()) / 1_000);
  const perSecond = seconds === 0 ? null : handled / seconds;
  return {
    state,
    done: (state === 'stopped' ? handled : total - waiting) - underWay,
    perSecond,
    msLeft: state === 'running' && perSecond !== null && perSecond > 0 ? (waiting / perSecond) * 1_000 : null,
  };
}

function stateOf({ waiting, underWay, stoppedAt }: ReplayRun): ReplayProgress['state'] {
  if (stoppedAt !== null) return 'stopped';
  if (waiting > 0) return 'running';
  return underWay > 0 ? 'arriving' : 'done';
}
