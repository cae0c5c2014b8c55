import type { Lab } from '../lab.js';
import type { BenchOptions } from '../options.js';
import type { Row } from '../row.js';

export interface ScenarioContext {
  readonly lab: Lab;
  readonly options: BenchOptions;
  /** The time until which a quick run must finish this scenario, ms since the epoch; a full run has none. */
  readonly until: number;
  readonly say: (line: string) => void;
}

/** Yields each row as soon as it is known: a later failure must not lose the figures of an hour. */
export type Scenario = (context: ScenarioContext) => AsyncIterable<Row>;

/** Runs scenarios one after the other. A quick run leaves out those without time, and says so. */
export async function* inTurn(
  context: ScenarioContext,
  parts: Readonly<Record<string, Scenario>>,
): AsyncIterable<Row> {
  for (const [index, [name, part]] of Object.entries(parts).entries()) {
    if (index === 0 || Date.now() < context.until) yield* part(context);
    else context.say(`  ${name}: no time left in a quick run`);
  }
}

/** Interleaved pairs: five in a full run, one in a quick one. */
export async function interleave<T>(
  { options }: ScenarioContext,
  pair: (round: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  const rounds = options.quick ? 1 : options.pairs;
  for (let round = 0; round < rounds; round += 1) results.push(await pair(round));
  return results;
}
