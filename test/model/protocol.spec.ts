import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { inFull } from '../support/faults/variant.js';
import { AS_IT_IS, MUTANTS, type Mutant } from './mutants.js';
import { Store } from './store.js';
import { story, tell } from './story.js';

const STORIES = inFull(3_000, 100);
/** However slow the machine is, ms. */
const LIMIT_MS = inFull(300_000, 12_000);
/** In which a mutant is caught at the latest. */
const STORIES_OF_A_MUTANT = 400;
const TIMEOUT_MS = 10 * LIMIT_MS;

/**
 * The real relay, sweep, fetch loops, processor and statements of two processes, on a real PostgreSQL and on queues
 * with what both backends promise. A story says which of them does its next step; any of them may end before it.
 */
describe('the protocol of record and queues', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    // Batches that are found are no news here.
    Logger.overrideLogger(false);
  });

  afterAll(() => database.drop());

  /** @param limitMs after which a story passes untold. @returns what was found, and how many were told */
  async function check(mutant: Mutant, parameters: fc.Parameters<unknown>, limitMs = Infinity) {
    const store = await Store.open(database.url, mutant.rewrite);
    const end = performance.now() + limitMs;
    let stories = 0;
    const keepsItsPromises = fc.asyncProperty(story, async (events) => {
      if (performance.now() > end) return;
      stories += 1;
      await tell(store, mutant, events);
    });
    try {
      const found = await fc.check<unknown>(keepsItsPromises as never, parameters);
      return { stories, found, isRewritten: store.isRewritten };
    } finally {
      await store.close();
    }
  }

  it(
    `keeps its promises in ${STORIES} stories, or as many as there is time for`,
    async () => {
      const { stories, found } = await check(AS_IT_IS, { numRuns: STORIES }, LIMIT_MS);
      process.stdout.write(`model: ${stories} stories\n`);
      expect(found.failed ? fc.defaultReportMessage(found) : undefined).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it.each(Object.entries(MUTANTS))(
    'one that %s is caught',
    async (name, { seed, breaks, ...mutant }) => {
      const { stories, found, isRewritten } = await check(mutant, {
        numRuns: STORIES_OF_A_MUTANT,
        seed,
        endOnFailure: true,
      });
      process.stdout.write(`model: ${name}: ${stories} stories\n`);
      // One that commits late is caught before it settles.
      expect(isRewritten || mutant.rewrite === undefined || mutant.commitsLate).toBe(true);
      expect(String(found.errorInstance)).toMatch(breaks);
    },
    TIMEOUT_MS,
  );
});
