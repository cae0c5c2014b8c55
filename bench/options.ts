import { parseArgs } from 'node:util';

export const SCENARIOS = ['throughput', 'isolation', 'pool', 'growth'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];
export type BackendName = 'postgres' | 'redis';

export interface BenchOptions {
  readonly scenarios: readonly ScenarioName[];
  readonly backend: BackendName;
  /** Ends within 45 s and is indicative. */
  readonly quick: boolean;
  /** Where the rows go as JSON. */
  readonly json?: string;
  /** Of the arrival process. */
  readonly seed: number;
}

const USAGE =
  'npm run bench -- [--scenario throughput|isolation|pool|growth] [--backend postgres|redis] [--quick] [--seed N] [--json FILE]';

/** @throws naming the option that is wrong, its value and what is accepted. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      backend: { type: 'string', default: 'postgres' },
      quick: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  const { scenario, backend, quick, seed, json } = values;
  if (scenario !== undefined && !isOneOf(SCENARIOS, scenario))
    throw unacceptable('--scenario', scenario, SCENARIOS);
  if (backend !== 'postgres' && backend !== 'redis')
    throw unacceptable('--backend', backend, ['postgres', 'redis']);
  if (!/^\d{1,9}$/.test(seed)) throw unacceptable('--seed', seed, ['a whole number']);
  return {
    scenarios: scenario === undefined ? SCENARIOS : [scenario],
    backend,
    quick,
    seed: Number(seed),
    ...(json !== undefined && { json }),
  };
}

function isOneOf<T extends string>(accepted: readonly T[], value: string): value is T {
  return (accepted as readonly string[]).includes(value);
}

function unacceptable(option: string, value: string, accepted: readonly string[]): Error {
  return new Error(`${option} ${JSON.stringify(value)}: accepted is ${accepted.join(', ')}\n${USAGE}`);
}
