import type { BackendName, ScenarioName } from './options.js';
import { median, ratioOf } from './statistics.js';

/** One line of the result, and one item of the JSON. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly backend: BackendName;
  readonly row: string;
  /** Medians, in `unit`. */
  readonly subject: number;
  readonly baseline: number;
  readonly ratio: number;
  /** The 95 % interval of the ratio. */
  readonly low: number;
  readonly high: number;
  readonly unit: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export type BarResult = 'holds' | 'missed' | 'inconclusive';

/** Whether a bar is a minimum or a maximum. */
export type Bar = { readonly atMost: number } | { readonly atLeast: number };

export interface Pair {
  readonly subject: number;
  readonly baseline: number;
}

export interface RowFacts {
  readonly scenario: ScenarioName;
  readonly backend: BackendName;
  readonly row: string;
  readonly unit: string;
  /** Absent for a row that only explains others. */
  readonly bar?: Bar | undefined;
  readonly settings: Readonly<Record<string, unknown>>;
}

export function rowOf({ bar, settings, ...facts }: RowFacts, pairs: readonly Pair[]): Row {
  const ratio = ratioOf(pairs);
  return {
    ...facts,
    subject: median(pairs.map((pair) => pair.subject)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    ratio: ratio.median,
    low: ratio.low,
    high: ratio.high,
    settings: { ...settings, pairs: pairs.length, ...(bar && { bar, result: barResult(bar, ratio) }) },
  };
}

/** If the interval contains the bar, the run does not decide. */
function barResult(bar: Bar, { low, high }: { low: number; high: number }): BarResult {
  const [best, worst] =
    'atMost' in bar ? [low - bar.atMost, high - bar.atMost] : [bar.atLeast - high, bar.atLeast - low];
  if (worst <= 0) return 'holds';
  return best > 0 ? 'missed' : 'inconclusive';
}

export function barOf({ settings }: Row): Bar | undefined {
  return settings['bar'] as Bar | undefined;
}
