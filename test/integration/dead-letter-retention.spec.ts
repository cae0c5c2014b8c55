import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { Clock } from '../../src/service-callbacks/clock.js';
import { DeadLetterKeeper } from '../../src/service-callbacks/dead-letters/dead-letter-keeper.js';
import { DeadLetterRepository } from '../../src/service-callbacks/dead-letters/dead-letter.repository.js';
import { ReplayRunRepository } from '../../src/service-callbacks/dead-letters/replay-run.repository.js';
import type { Replay } from '../../src/service-callbacks/dead-letters/replay.js';
import { serviceEntities } from '../../src/service-entities.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { query } from '../support/sql.js';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-03-01T12:00:00Z');

class FixedClock extends Clock {
  override now(): number {
    return NOW;
  }
}

/** No replay is asked for here. */
const noReplays = { batch: async () => 0 } as unknown as Replay;

describe('dead letters past their retention', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let deadLetters: DeadLetterRepository;
  let runs: ReplayRunRepository;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    const options = dataSourceOptions({ url: database.url, poolSize: 2, entities: [...serviceEntities] });
    dataSource = await new DataSource(options).initialize();
    deadLetters = new DeadLetterRepository(dataSource);
    runs = new ReplayRunRepository(dataSource);
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  async function bury(count: number, ageDays: number): Promise<void> {
    await query(
      database.url,
      `INSERT INTO service_callback_dead_letters
         (id, callback_type, reason, generation, attempts, queued_at, given_up_at)
       SELECT gen_random_uuid(), 'delivery_status', 'not_retried', 0, '[]', $2, $2 FROM generate_series(1, $1)`,
      [count, new Date(NOW - ageDays * DAY_MS)],
    );
  }

  const kept = async () =>
    (
      await query<{ n: number }>(database.url, 'SELECT count(*)::int AS n FROM service_callback_dead_letters')
    )[0]?.n;

  it('are pruned in batches until none is left, and no younger one with them', async () => {
    await bury(2_500, 31);
    await bury(3, 29);
    const keeper = new DeadLetterKeeper(deadLetters, runs, noReplays, new FixedClock(), {
      retentionDays: 30,
      replaysPerSecond: 50,
    });
    keeper.onApplicationBootstrap();
    await eventually(async () => expect(await kept()).toBe(3));
    await keeper.beforeApplicationShutdown();
  });

  it('are pruned at most so many by one statement, and never while another holds them', async () => {
    await bury(10, 40);
    const before = new Date(NOW - 30 * DAY_MS);
    await deadLetters.transaction(async (manager) => {
      await manager.query(
        'SELECT 1 FROM service_callback_dead_letters WHERE given_up_at < $1 LIMIT 4 FOR UPDATE',
        [before],
      );
      expect(await deadLetters.prune(before, 5)).toBe(5);
      expect(await deadLetters.prune(before, 5)).toBe(1);
    });
    expect(await deadLetters.prune(before, 100)).toBe(4);
  });

  it('that end again after a crash are one, and an older generation never overwrites a newer', async () => {
    const id = randomUUID();
    const letter = (generation: number, detail: string) => ({
      id,
      serviceId: 'a-service',
      callbackApiId: null,
      callbackType: 'delivery_status',
      subjectId: null,
      url: null,
      reason: 'retries_exhausted' as const,
      detail,
      document: null,
      generation,
      attempts: [],
      queuedAt: new Date(NOW),
      givenUpAt: new Date(NOW),
      replayRequestedAt: null,
      replayId: null,
      replayedAt: null,
    });
    await deadLetters.bury(letter(1, 'first'));
    await deadLetters.bury(letter(1, 'again'));
    await deadLetters.bury(letter(0, 'stale'));
    expect(await deadLetters.find('a-service', id)).toMatchObject({ generation: 1, detail: 'again' });
  });
});
