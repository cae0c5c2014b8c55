import type { BackendName, ScenarioName } from './options.js';
import { median, ratioOf } from './statistics.js';

/** One line of the result; the contract's shape of `--json`. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly backend: BackendName;
  readonly row: string;
  /** Medians, in `unit`. */
  readonly subject: number;
  readonly baseline: number;
  readonly ratio: number;
  /** The ratio's 95 % interval. */
  readonly low: number;
  readonly high: number;
  readonly unit: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export type Verdict = 'holds' | 'missed' | 'inconclusive';

/** Which side of a bar is the good one. */
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
  /** Without one the row is there to explain the others. */
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
    settings: { ...settings, pairs: pairs.length, ...(bar && { bar, verdict: verdictOf(bar, ratio) }) },
  };
}

/** Where the interval lies on both sides of the bar, the run does not decide. */
function verdictOf(bar: Bar, { low, high }: { low: number; high: number }): Verdict {
  const [best, worst] =
    'atMost' in bar ? [low - bar.atMost, high - bar.atMost] : [bar.atLeast - high, bar.atLeast - low];
  if (worst <= 0) return 'holds';
  return best > 0 ? 'missed' : 'inconclusive';
}

export function barOf({ settings }: Row): Bar | undefined {
  return settings['bar'] as Bar | undefined;
}
