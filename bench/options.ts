import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const SCENARIOS = ['throughput', 'isolation', 'recovery', 'pool', 'growth'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];
const BACKENDS = ['postgres', 'redis'] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface BenchOptions {
  readonly scenarios: readonly ScenarioName[];
  readonly backend: BackendName;
  /** Ends within five minutes; its figures are indicative. */
  readonly quick: boolean;
  /** The file for the rows as JSON. */
  readonly json?: string;
  /** The file for the chart as SVG. */
  readonly chart?: string;
  /** JSON files of earlier runs: their rows are kept too, unless this run measures the same ones. */
  readonly rows: readonly string[];
  /** A built worktree of an earlier release, for the rows that compare with it. */
  readonly against?: string;
  /** Interleaved pairs of a full run. */
  readonly pairs: number;
  /** Callbacks that a delivery rate or a recovery measures, in a full run. */
  readonly callbacks: number;
  /** Arrivals of the isolation scenario, callbacks a second. */
  readonly rate: number;
  /** The seed of the arrival process. */
  readonly seed: number;
}

/** At twice the PostgreSQL value, its server alone uses two cores, and no isolation can be measured. */
const RATES: Readonly<Record<BackendName, number>> = { postgres: 100, redis: 200 };

const USAGE =
  'npm run bench -- [--scenario throughput|isolation|recovery|pool|growth] [--backend postgres|redis] [--quick] [--pairs N] [--callbacks N] [--rate N] [--seed N] [--json FILE] [--chart FILE] [--rows FILE]… [--against DIR]';

/**
 * @returns the options of one run for each backend; without `--backend`, that is both
 * @throws naming the wrong option, its value and what is accepted
 */
export function readOptions(args: readonly string[]): BenchOptions[] {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      backend: { type: 'string' },
      quick: { type: 'boolean', default: false },
      pairs: { type: 'string', default: '5' },
      callbacks: { type: 'string', default: '100000' },
      rate: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      chart: { type: 'string' },
      rows: { type: 'string', multiple: true, default: [] },
      against: { type: 'string' },
    },
  });
  const { scenario, backend, quick, json, chart, rows, against } = values;
  if (scenario !== undefined && !isOneOf(SCENARIOS, scenario))
    throw unacceptable('--scenario', scenario, SCENARIOS);
  if (backend !== undefined && !isOneOf(BACKENDS, backend))
    throw unacceptable('--backend', backend, BACKENDS);
  return (backend === undefined ? BACKENDS : [backend]).map((each) => ({
    scenarios: scenario === undefined ? SCENARIOS : [scenario],
    backend: each,
    quick,
    pairs: wholeNumber('--pairs', values.pairs),
    callbacks: wholeNumber('--callbacks', values.callbacks),
    rate: values.rate === undefined ? RATES[each] : wholeNumber('--rate', values.rate),
    seed: wholeNumber('--seed', values.seed),
    rows,
    ...(json !== undefined && { json }),
    ...(chart !== undefined && { chart }),
    ...(against !== undefined && { against: resolve(against) }),
  }));
}

function wholeNumber(option: string, value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw unacceptable(option, value, ['a whole number from 1']);
  return Number(value);
}

function isOneOf<T extends string>(accepted: readonly T[], value: string): value is T {
  return (accepted as readonly string[]).includes(value);
}

function unacceptable(option: string, value: string, accepted: readonly string[]): Error {
  return new Error(`${option} ${JSON.stringify(value)}: accepted is ${accepted.join(', ')}\n${USAGE}`);
}
