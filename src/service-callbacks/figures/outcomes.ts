import type { Outcomes, OutcomesAt } from '../history/records.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

const NOTHING: Outcomes = { delivered: 0, failed: 0, deferred: 0, givenUp: 0 };

/** Sums as PostgreSQL returns them. */
export interface OutcomeRow {
  readonly at: Date;
  readonly delivered: number;
  readonly failed: number;
  readonly deferred: number;
  readonly given_up: number;
}

/** In PostgreSQL, the sum of bigint is numeric. */
export const OUTCOME_SUMS = `sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
  sum(deferred)::bigint AS deferred, sum(given_up)::bigint AS given_up`;

export function outcomesOf({ delivered, failed, deferred, given_up }: Omit<OutcomeRow, 'at'>): Outcomes {
  return { delivered, failed, deferred, givenUp: given_up };
}

/** The start of the first of `count` consecutive spans; the last one contains `now`; Unix ms. */
export function startOfSeries(now: number, spanMs: number, count: number): number {
  return Math.floor(now / spanMs) * spanMs - (count - 1) * spanMs;
}

/** One entry for each span, also for an empty one. */
export function series(
  rows: readonly OutcomeRow[],
  now: number,
  spanMs: number,
  count: number,
): OutcomesAt[] {
  const known = new Map(rows.map((row) => [row.at.getTime(), outcomesOf(row)]));
  const start = startOfSeries(now, spanMs, count);
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * spanMs;
    return { at: new Date(at), ...(known.get(at) ?? NOTHING) };
  });
}
