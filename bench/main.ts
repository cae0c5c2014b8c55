import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { writeChart } from './chart.js';
import { openLab } from './lab.js';
import { readOptions, type BenchOptions, type ScenarioName } from './options.js';
import { latestOf, printRows, readRows, writeRows } from './report.js';
import type { Row } from './row.js';
import { growth } from './scenarios/growth/growth.js';
import { isolation } from './scenarios/isolation/isolation.js';
import { pool } from './scenarios/pool.js';
import { recovery } from './scenarios/recovery/recovery.js';
import type { Scenario } from './scenarios/scenario.js';
import { throughput } from './scenarios/throughput/throughput.js';

const RUNS: Readonly<Record<ScenarioName, Scenario>> = { throughput, isolation, recovery, pool, growth };
/** The time that the scenarios of all quick runs share, ms; the part that runs at its end still finishes. */
const QUICK_MS = 200_000;

const version = (name: string): string =>
  (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;

/** What the figures depend on beside the code. */
function machine(options: BenchOptions) {
  return {
    node: process.version,
    bullmq: version('bullmq'),
    cores: availableParallelism(),
    cpu: cpus()[0]?.model,
    quick: options.quick,
    seed: options.seed,
  };
}

/** The rows of all runs so far. */
function keep(options: BenchOptions, rows: readonly Row[]): void {
  if (options.json !== undefined) writeRows(options.json, rows);
  if (options.chart !== undefined) writeChart(options.chart, rows);
}

/**
 * @param earlier the rows of earlier runs
 * @returns those, and the rows of this run
 */
async function run(options: BenchOptions, earlier: readonly Row[], quickMs: number): Promise<Row[]> {
  const startedAt = Date.now();
  const common = machine(options);
  const lab = await openLab(options.backend);
  const interrupted = () => void lab.close().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const rows: Row[] = [];
  try {
    for (const [index, scenario] of options.scenarios.entries()) {
      console.log(`${scenario} on ${options.backend}`);
      // The remaining scenarios share the remaining time.
      const left = quickMs - (Date.now() - startedAt);
      const until = options.quick
        ? Date.now() + left / (options.scenarios.length - index)
        : Number.POSITIVE_INFINITY;
      const measured = RUNS[scenario]({ lab, options, until, say: (line) => console.log(line) });
      for await (const row of measured) {
        rows.push({ ...row, settings: { ...row.settings, ...common } });
        keep(options, latestOf([...earlier, ...rows]));
      }
    }
  } finally {
    printRows(rows);
    await lab.close();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
  return [...earlier, ...rows];
}

try {
  const runs = readOptions(process.argv.slice(2));
  let rows = readRows(runs[0]?.rows ?? []);
  for (const options of runs) rows = await run(options, rows, QUICK_MS / runs.length);
  if (runs.some(({ quick }) => quick))
    console.log('A quick run is indicative: the figures that count come from a full one.');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // A scenario that failed may have left something open, which must not keep the bench running.
  process.exit(1);
}
