import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { inFull } from '../support/faults/variant.js';
import { AS_IT_IS, MUTANTS, type Mutant } from './mutants.js';
import { Store } from './store.js';
import { runScenario, scenario } from './scenario.js';

const SCENARIOS = inFull(3_000, 100);
/** After this time, only the least number of scenarios is completed, ms. */
const LIMIT_MS = inFull(300_000, 12_000);
const LEAST_SCENARIOS = inFull(1_000, 50);
/** How many scenarios must be enough to find a mutant. */
const SCENARIOS_OF_A_MUTANT = 400;
const TIMEOUT_MS = 10 * LIMIT_MS;

/**
 * The real relay, sweep, fetch loops, processor and statements of two processes, on a real PostgreSQL. The main and the
 * retry queue are in memory: they have the promises of both backends, and are neither. Those promises are tested on the
 * real backends in test/conformance, and the protocol on them in test/faults. A scenario says which process makes its
 * next step; a process may end before any step.
 */
describe('the protocol of record and queues', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    // Log lines about found batches do not matter here.
    Logger.overrideLogger(false);
  });

  afterAll(() => database.drop());

  /**
   * @param limitMs after this time and the least number of scenarios, the others are skipped
   * @returns what was found, and how many scenarios ran
   */
  async function check(mutant: Mutant, parameters: fc.Parameters<unknown>, limitMs = Infinity) {
    const store = await Store.open(database.url, mutant.rewrite);
    const end = performance.now() + limitMs;
    let scenarios = 0;
    const keepsItsPromises = fc.asyncProperty(scenario, async (events) => {
      if (scenarios >= LEAST_SCENARIOS && performance.now() > end) return;
      scenarios += 1;
      await runScenario(store, mutant, events);
    });
    try {
      const found = await fc.check<unknown>(keepsItsPromises as never, parameters);
      return { scenarios, found, isRewritten: store.isRewritten };
    } finally {
      await store.close();
    }
  }

  it(
    `keeps its promises in ${SCENARIOS} scenarios, or as many as there is time for, at least ${LEAST_SCENARIOS}`,
    async () => {
      const { scenarios, found } = await check(AS_IT_IS, { numRuns: SCENARIOS }, LIMIT_MS);
      process.stdout.write(`model: ${scenarios} scenarios\n`);
      expect(found.failed ? fc.defaultReportMessage(found) : undefined).toBeUndefined();
      expect(scenarios).toBeGreaterThanOrEqual(LEAST_SCENARIOS);
    },
    TIMEOUT_MS,
  );

  it.each(Object.entries(MUTANTS))(
    'a protocol that %s is detected',
    async (name, { seed, breaks, ...mutant }) => {
      const { scenarios, found, isRewritten } = await check(mutant, {
        numRuns: SCENARIOS_OF_A_MUTANT,
        seed,
        endOnFailure: true,
      });
      process.stdout.write(`model: ${name}: ${scenarios} scenarios\n`);
      expect(isRewritten || mutant.rewrite === undefined).toBe(true);
      expect(String(found.errorInstance)).toMatch(breaks);
      // The same scenario breaks no promise of the real protocol.
      const store = await Store.open(database.url);
      const [events] = found.counterexample as [Parameters<typeof runScenario>[2]];
      try {
        await runScenario(store, AS_IT_IS, events);
      } finally {
        await store.close();
      }
    },
    TIMEOUT_MS,
  );
});
