import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { CallbackLogRepository } from '../../src/service-callbacks/delivery-log/callback-log.repository.js';
import { EndpointsRepository } from '../../src/service-callbacks/delivery-log/endpoints.repository.js';
import { FiguresRepository } from '../../src/service-callbacks/delivery-log/figures.repository.js';
import { JournalFlusher } from '../../src/service-callbacks/delivery-log/journal-flusher.js';
import { JournalRepository } from '../../src/service-callbacks/delivery-log/journal.repository.js';
import { PartitionKeeper } from '../../src/service-callbacks/delivery-log/partition-keeper.js';
import type { LogFilter, LogScope } from '../../src/service-callbacks/delivery-log/records.js';
import { PartitionsRepository } from '../../src/service-callbacks/delivery-log/partitions.repository.js';
import type { Callback } from '../../src/service-callbacks/delivery/callback.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startOwnedPostgres } from '../support/faults/owned-postgres.js';
import { aCallback, aJournal, attempt } from '../support/journal.js';
import { ManualClock } from '../support/manual-clock.js';
import { query } from '../support/sql.js';

const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-03-01T12:00:00Z');

function parts(url: string, clock: ManualClock, retentionDays = 30) {
  const dataSource = new DataSource(dataSourceOptions({ url, poolSize: 4 }));
  const { journal, dropped } = aJournal(clock, { retentionDays });
  const repository = new JournalRepository(dataSource);
  const options = { keep: 'all', retentionDays } as const;
  const partitions = new PartitionsRepository(dataSource);
  const keeper = new PartitionKeeper(partitions, new FiguresRepository(dataSource), clock, options);
  const flusher = new JournalFlusher(journal, repository, keeper);
  return { dataSource, journal, dropped, repository, partitions, keeper, flusher };
}

describe('the journal in the database', () => {
  const clock = new ManualClock(NOON);
  let database: TestDatabase;
  let part: ReturnType<typeof parts>;
  let log: CallbackLogRepository;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    part = parts(database.url, clock);
    await part.dataSource.initialize();
    await part.partitions.ensure([Date.parse('2026-03-01T00:00:00Z')]);
    log = new CallbackLogRepository(part.dataSource);
    part.flusher.onApplicationBootstrap();
  });

  afterAll(async () => {
    await part.flusher.finish();
    await part.dataSource.destroy();
    await database.drop();
  });

  beforeEach(() => {
    clock.time = NOON;
  });

  const found = async (id: string) => {
    const callback = await log.find('all', id);
    if (!callback) throw new Error(`${id} is not in the log`);
    return callback;
  };

  async function untilLogged(id: string): Promise<void> {
    await eventually(async () => void (await found(id)));
  }

  it('makes the day that a row needs, and passes over what no day can hold', async () => {
    const earlier = aCallback({ queuedAt: NOON - 5 * DAY_MS });
    const ages = aCallback({ queuedAt: 0 });
    const dream = aCallback({ queuedAt: 8.6e15 });
    for (const callback of [ages, earlier, dream]) {
      part.journal.delivered(attempt(part.journal, callback, NOON, { status: 200 }), 'first');
    }
    await untilLogged(earlier.id);
    expect(await log.find('all', ages.id)).toBeNull();
    expect(await log.find('all', dream.id)).toBeNull();
    expect(await part.partitions.list()).toContain(Date.parse('2026-02-24T00:00:00Z'));
  });

  it('keeps the others of a batch where one cannot be stored', async () => {
    const good = [aCallback({ queuedAt: NOON - DAY_MS }), aCallback({ queuedAt: NOON })];
    const bad = { ...aCallback({ queuedAt: NOON - DAY_MS }), id: 'not-a-uuid' };
    const strange = aCallback({ queuedAt: NOON, subjectId: `\0\ud800${'x'.repeat(5_000)}` });
    for (const callback of [bad, ...good, strange]) part.journal.gaveUp(callback, 'unreadable');
    await untilLogged(strange.id);
    for (const { id } of good) await untilLogged(id);
    expect((await found(strange.id)).subjectId).toBe(`\uFFFD${'x'.repeat(253)}`);
    expect(await part.dropped('rows')).toBe(1);
  });

  it('lets no late fact overwrite a later one, and no repeated one tell an attempt twice', async () => {
    const callback = aCallback({ queuedAt: NOON });
    const { journal } = aJournal(clock);
    const once = attempt(journal, callback, NOON + 1, { status: 503, excerpt: 'busy' });
    journal.retrying(once, NOON + 60_000);
    const late = journal.take(10);
    clock.time += 10;
    journal.delivered(attempt(journal, once, NOON + 9, { status: 200 }), 'retry');
    const later = journal.take(10);
    for (const batch of [late, late, later, later, late]) {
      expect(await part.repository.write({ ...batch, minutes: [], hours: [], health: [] })).toEqual({
        kind: 'written',
      });
    }
    const { attempts, ...row } = await found(callback.id);
    expect(row).toMatchObject({ state: 'delivered', nextAt: null, attemptCount: 2, forwardMs: 1 });
    expect(attempts.map(({ statusCode, excerpt }) => [statusCode, excerpt])).toEqual([
      [503, 'busy'],
      [200, null],
    ]);
  });

  it('knows how late the first attempt started once there is one', async () => {
    const callback = aCallback({ queuedAt: NOON });
    const { journal } = aJournal(clock);
    const tell = () => part.repository.write({ ...journal.take(10), minutes: [], hours: [], health: [] });
    journal.deferred(callback, NOON + 900, 'first');
    await tell();
    expect(await found(callback.id)).toMatchObject({ state: 'deferred', forwardMs: null });
    clock.time += 900;
    journal.delivered(attempt(journal, callback, NOON + 900, { status: 200 }), 'retry');
    await tell();
    expect(await found(callback.id)).toMatchObject({ state: 'delivered', forwardMs: 900 });

    const cancelled = aCallback({ queuedAt: NOON });
    journal.gaveUp(cancelled, 'cancelled');
    await tell();
    expect((await found(cancelled.id)).forwardMs).toBeNull();
  });

  it('takes many facts of one callback in one batch, and keeps its last fifty attempts', async () => {
    let callback: Callback = aCallback({ queuedAt: NOON });
    for (let count = 1; count <= 70; count += 1) {
      callback = attempt(part.journal, callback, NOON + count, { status: 500, excerpt: `the ${count}th` });
      clock.time += 1;
      part.journal.retrying(callback, NOON + DAY_MS);
    }
    await eventually(async () => expect((await found(callback.id)).attemptCount).toBe(70));
    const { attempts } = await found(callback.id);
    expect(attempts.map(({ excerpt }) => excerpt)).toEqual(
      Array.from({ length: 50 }, (_, index) => `the ${index + 21}th`),
    );
  });

  it('lists everybody’s for operators, and nothing of another service’s by its callback API', async () => {
    const [mine, theirs] = [randomUUID(), randomUUID()].map((serviceId) =>
      aCallback({ serviceId, callbackApiId: `api-of-${serviceId}`, queuedAt: NOON + 60_000 }),
    ) as [Callback, Callback];
    for (const callback of [mine, theirs]) part.journal.gaveUp(callback, 'cancelled');
    await untilLogged(theirs.id);
    const listed = async (scope: LogScope, filter: LogFilter) =>
      (await log.list(scope, filter, 2)).map(({ id }) => id).toSorted();
    const both = [mine.id, theirs.id].toSorted();
    const since = new Date(NOON + 60_000);
    expect(await listed('all', { since })).toEqual(both);
    expect(await listed('all', { state: 'given_up' })).toEqual(both);
    expect(await listed('all', { callbackApiId: theirs.callbackApiId })).toEqual([theirs.id]);
    const scope = { serviceId: mine.serviceId };
    expect(await listed(scope, { callbackApiId: mine.callbackApiId })).toEqual([mine.id]);
    expect(await listed(scope, { callbackApiId: theirs.callbackApiId })).toEqual([]);
  });

  it('adds the figures of several processes up', async () => {
    const serviceId = randomUUID();
    const callbackApiId = randomUUID();
    const batches = [1, 2, 3].map((failures) => {
      const { journal } = aJournal(clock);
      const callback = aCallback({ serviceId, callbackApiId, queuedAt: NOON });
      for (let count = 0; count < failures; count += 1)
        attempt(journal, callback, NOON + 20, { status: 500 });
      journal.delivered(
        attempt(journal, callback, NOON + 10 ** failures, { status: 200, durationMs: 100 }),
        'first',
      );
      return { ...journal.take(10), rows: [] };
    });
    await Promise.all(batches.map((batch) => part.repository.write(batch)));
    const figures = new FiguresRepository(part.dataSource);
    const outcomes = { delivered: 3, failed: 6, deferred: 0, given_up: 0 };
    const scope = { serviceId };
    const since = new Date(NOON - DAY_MS);
    expect(await figures.minutes(scope, since)).toEqual([{ at: new Date(NOON), ...outcomes }]);
    expect(await figures.hours(scope, since, callbackApiId)).toEqual([{ at: new Date(NOON), ...outcomes }]);
    const histogram = await figures.forwardHistogram(scope, since);
    expect(histogram.reduce((sum, count) => sum + count, 0)).toBe(9);
    expect(await figures.minutes({ serviceId: randomUUID() }, since)).toEqual([]);
  });

  describe('knows how an endpoint is', () => {
    let api: { readonly id: string; readonly serviceId: string };

    beforeEach(async () => {
      api = { id: randomUUID(), serviceId: randomUUID() };
      await query(
        database.url,
        `INSERT INTO service_callback_apis (id, service_id, callback_type, url, bearer_token, updated_by_id, created_at)
         VALUES ($1, $2, 'delivery_status', 'https://a.example/', '', $1, now())`,
        [api.id, api.serviceId],
      );
    });

    /** One flush: a status a second, from the given second on. */
    async function flush(second: number, ...statuses: number[]): Promise<void> {
      const { journal } = aJournal(clock);
      const callback = aCallback({ callbackApiId: api.id, serviceId: api.serviceId, queuedAt: NOON });
      statuses.forEach((status, index) => attempt(journal, callback, at(second + index), { status }));
      await part.repository.write(journal.take(10));
    }

    const at = (second: number) => NOON + second * 1_000;
    const health = () => new EndpointsRepository(part.dataSource).health('all', api.id);

    it('which begins with nothing', async () => {
      expect(await health()).toMatchObject({
        failingSince: null,
        attemptsSinceSuccess: 0,
        lastFailure: null,
      });
    });

    it('failing since its first failure, whatever came before', async () => {
      await flush(0, 200, 503, 500);
      await flush(10, 502);
      expect(await health()).toMatchObject({
        lastSuccessAt: new Date(at(0)),
        lastFailureAt: new Date(at(10)),
        lastFailure: '502',
        failingSince: new Date(at(1)),
        attemptsSinceSuccess: 3,
      });
    });

    it('well again with one success, and failing anew after it', async () => {
      await flush(0, 503, 503);
      await flush(10, 200);
      expect(await health()).toMatchObject({
        failingSince: null,
        attemptsSinceSuccess: 0,
        lastFailure: '503',
      });
      await flush(20, 500, 200, 501);
      expect(await health()).toMatchObject({
        failingSince: new Date(at(22)),
        attemptsSinceSuccess: 1,
        lastFailure: '501',
      });
    });

    it('not failing because of a failure that is told late, nor well because of a late success', async () => {
      await flush(10, 200);
      await flush(5, 503);
      expect(await health()).toMatchObject({ failingSince: null, attemptsSinceSuccess: 0 });
      await flush(20, 503);
      await flush(12, 200);
      expect(await health()).toMatchObject({
        failingSince: new Date(at(20)),
        attemptsSinceSuccess: 1,
        lastSuccessAt: new Date(at(12)),
      });
    });
  });
});

describe('the days of the log', () => {
  const clock = new ManualClock(NOON);
  let database: TestDatabase;
  let part: ReturnType<typeof parts>;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    part = parts(database.url, clock, 3);
    await part.dataSource.initialize();
  });

  afterAll(async () => {
    await part.dataSource.destroy();
    await database.drop();
  });

  const days = async () =>
    (await part.partitions.list()).map((day) => new Date(day).toISOString().slice(0, 10));

  it('roll: those to come are made, those past their retention go with their rows', async () => {
    const other = parts(database.url, clock, 3);
    await other.dataSource.initialize();
    // Several processes at once.
    await Promise.all([part.keeper.tidy(), other.keeper.tidy(), part.keeper.tidy(), other.keeper.tidy()]);
    await other.dataSource.destroy();
    expect(await days()).toEqual(['2026-03-01', '2026-03-02', '2026-03-03']);
    const { journal, repository } = part;
    for (let day = 0; day < 5; day += 1) {
      clock.time = NOON + day * DAY_MS;
      await part.keeper.tidy();
      const callback = aCallback({ queuedAt: clock.time });
      journal.delivered(attempt(journal, callback, clock.time, { status: 200 }), 'first');
      expect(await repository.write(journal.take(10))).toEqual({ kind: 'written' });
    }
    expect(await days()).toEqual(['2026-03-03', '2026-03-04', '2026-03-05', '2026-03-06', '2026-03-07']);
    const rows = await query<{ queued_at: Date }>(
      database.url,
      'SELECT queued_at FROM service_callback_log ORDER BY queued_at',
    );
    expect(rows.map((row) => row.queued_at)).toEqual([2, 3, 4].map((day) => new Date(NOON + day * DAY_MS)));
    const hours = await query(database.url, 'SELECT hour FROM service_callback_endpoint_hours ORDER BY hour');
    expect(hours).toHaveLength(3);
    const minutes = await query<{ minute: Date }>(
      database.url,
      'SELECT minute FROM service_callback_minutes ORDER BY minute',
    );
    expect(minutes.map((row) => row.minute)).toEqual([3, 4].map((day) => new Date(NOON + day * DAY_MS)));
  });
});

describe('while PostgreSQL is away', () => {
  const closers: (() => Promise<unknown>)[] = [];

  // A flusher that a failed test left would ask for its database for the rest of the worker's life.
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  }, 30_000);

  it('the journal stays bounded, counts what it drops, and writes the rest when it is back', async () => {
    const clock = new ManualClock(NOON);
    const postgres = await startOwnedPostgres();
    closers.push(() => postgres.stop());
    const part = parts(postgres.url, clock);
    await part.dataSource.initialize();
    closers.push(() => part.dataSource.destroy());
    await part.keeper.tidy();
    part.flusher.onApplicationBootstrap();
    closers.push(() => part.flusher.finish());
    await postgres.crash();
    const told = 12_300;
    const startedAt = performance.now();
    for (let count = 0; count < told; count += 1) {
      const callback = aCallback({ queuedAt: NOON });
      part.journal.delivered(attempt(part.journal, callback, NOON, { status: 200 }), 'first');
    }
    // Told synchronously, whatever the database does.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    const dropped = await part.dropped('rows');
    expect(dropped).toBe(2_500);
    expect(part.journal.dropped).toBe(dropped);
    await postgres.start();
    const log = async () =>
      (await query<{ n: number }>(postgres.url, 'SELECT count(*)::int AS n FROM service_callback_log'))[0]?.n;
    await eventually(async () => expect(await log()).toBe(told - dropped), 20_000);
    // A sum is small: of what happened nothing is missing there.
    const [sums] = await query(
      postgres.url,
      'SELECT sum(delivered)::int AS delivered FROM service_callback_minutes',
    );
    expect(sums).toEqual({ delivered: told });
  }, 90_000);
});
