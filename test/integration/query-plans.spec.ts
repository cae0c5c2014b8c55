import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CallbackListRepository } from '../../src/service-callbacks/history/callback-list.repository.js';
import { CallbackLogReader } from '../../src/service-callbacks/history/callback-log.reader.js';
import { DeadLetterRepository } from '../../src/service-callbacks/history/dead-letter.repository.js';
import { LOG_STATES, type LogFilter, type LogScope } from '../../src/service-callbacks/history/records.js';
import { uuidRangeOf } from '../../src/service-callbacks/history/uuid-range.js';
import { Replay } from '../../src/service-callbacks/replay/replay.js';
import { ReplayRunRepository } from '../../src/service-callbacks/replay/replay-run.repository.js';
import { EndpointsRepository } from '../../src/service-callbacks/reporting/endpoints.repository.js';
import { explained, type Explained } from '../support/explained.js';
import type { ReadFrom } from '../../src/service-callbacks/callbacks/callback.repository.js';
import { readFrom, RecordStore, type StoredEndpoint } from '../support/record-store.js';

const TIMEOUT_MS = 240_000;
const SERVICES = 40;
const ROWS = 200_000;
const QUEUED = 16_000;
/** More rows than any open state has: the size of one stretch of an index. */
const STRETCH = 25_000;

/** Tables that grow with callbacks. */
const LARGE: readonly string[] = ['service_callbacks', 'service_callback_payloads', 'service_callback_news'];

/**
 * A database whose statistics say that it is empty: what a table looks like to the planner that was analysed before
 * it was filled, or whose rows come and go between two runs of autovacuum.
 */
describe('the plans of the record, with statistics from an empty table', () => {
  let store: RecordStore;
  let endpoints: StoredEndpoint[];

  beforeAll(async () => {
    store = await RecordStore.open();
    const { dataSource } = store;
    for (const table of [...LARGE, 'service_callback_apis', 'service_callback_holds'])
      await dataSource.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
    await dataSource.query('ANALYZE');
    endpoints = [];
    for (let count = 0; count < SERVICES; count += 1) endpoints.push(await store.endpoint());
    // Of 200: 16 queued, 20 pending, 20 scheduled (half of them due), 4 held, 20 given up, 120 delivered.
    await dataSource.query(
      `INSERT INTO service_callbacks (id, service_id, endpoint_id, callback_type, subject_id, url, state, reason, detail,
         priority, batch, batched_at, next_attempt_at, generation_at, queued_at, changed_at, finished_at, attempt_count)
       SELECT id, service_id, endpoint_id, CASE WHEN n % 20011 = 7 THEN 'complaint' ELSE 'delivery_status' END,
         'subject-' || n / 2, 'https://a.example/', state,
         CASE WHEN state = 'given_up' THEN 'not_retried' END, CASE WHEN state = 'held' THEN 'circuit_open' END,
         1 + n % 5, CASE WHEN state = 'queued' THEN md5('batch ' || n / 2500)::uuid END,
         CASE WHEN state = 'queued' THEN now() - interval '1 minute' END,
         CASE WHEN state = 'scheduled' THEN now() + (n % 2 * 2 - 1) * interval '1 hour' END,
         at, at, at, CASE WHEN state IN ('delivered', 'given_up') THEN at END, 1
       FROM (
         SELECT n, gen_random_uuid() AS id, now() - n * interval '1 second' AS at, e.service_id, e.id AS endpoint_id,
           CASE WHEN n % 200 < 16 THEN 'queued' WHEN n % 200 < 36 THEN 'pending' WHEN n % 200 < 56 THEN 'scheduled'
             WHEN n % 200 < 60 THEN 'held' WHEN n % 200 < 80 THEN 'given_up' ELSE 'delivered' END AS state
         FROM generate_series(1, $1::int) n JOIN (
           SELECT id, service_id, row_number() OVER (ORDER BY id) - 1 AS nth FROM service_callback_apis
         ) e ON e.nth = n / 200 % $2::int
       ) made`,
      [ROWS, SERVICES],
    );
    await dataSource.query(
      `INSERT INTO service_callback_payloads SELECT id, 'sealed' FROM service_callbacks`,
    );
    await dataSource.query(
      'INSERT INTO service_callback_news SELECT gen_random_uuid(), id, queued_at FROM service_callbacks',
    );
  }, TIMEOUT_MS);

  afterAll(() => store.close());

  /** Every statement uses indexes, and reads at most this many rows of a table. */
  function expectFrugal(all: readonly Explained[], most: number): void {
    expect(all.length).toBeGreaterThan(0);
    const wasteful = all.filter(
      ({ wholeTables, mostRead, mostSorted }) =>
        wholeTables.some((table) => LARGE.includes(table)) || mostRead > most || mostSorted > most,
    );
    expect(wasteful).toEqual([]);
  }

  const ids = async (
    state: string,
    count: number,
  ): Promise<{ id: string; batch: string; endpoint_id: string }[]> =>
    store.dataSource.query('SELECT id, batch, endpoint_id FROM service_callbacks WHERE state = $1 LIMIT $2', [
      state,
      count,
    ]);

  const expectFrugalWork = async (most: number, work: () => Promise<unknown>) =>
    expectFrugal(await explained(store.dataSource, work), most);

  it('has 200,000 records, 16,000 of them queued', async () => {
    const [row] = await store.dataSource.query<unknown[]>(
      `SELECT count(*)::int AS rows, (count(*) FILTER (WHERE state = 'queued'))::int AS queued FROM service_callbacks`,
    );
    expect(row).toEqual({ rows: ROWS, queued: QUEUED });
    const [statistics] = await store.dataSource.query<unknown[]>(
      `SELECT reltuples::int AS rows FROM pg_class WHERE relname = 'service_callbacks'`,
    );
    expect(statistics).toEqual({ rows: 0 });
  });

  it('detect a statement that reads too much', async () => {
    const whole = await explained(store.dataSource, () =>
      store.dataSource.query(`SELECT id FROM service_callbacks WHERE url = 'x' ORDER BY detail`),
    );
    expect(() => expectFrugal(whole, ROWS)).toThrow(/toEqual/);
    const sorted = await explained(store.dataSource, () =>
      store.dataSource.query(`SELECT id FROM service_callbacks WHERE state = 'pending' ORDER BY detail`),
    );
    expect(() => expectFrugal(sorted, 10_000)).toThrow(/toEqual/);
  });

  it.each([
    ['from the first', 0],
    ['after the last', 2 * ROWS],
  ])('a look for pending and due callbacks, %s, reads at most one of each priority', (_, seq) =>
    expectFrugalWork(24, () => store.callbacks.isAnyDue(readFrom(seq))),
  );

  it('an insert reads only its own rows', () =>
    expectFrugalWork(2_000, () =>
      store.callbacks.insert(
        Array.from({ length: 1_000 }, () => store.newCallback(endpoints[0] as StoredEndpoint)),
      ),
    ));

  it('a take of pending and due callbacks reads only what it takes', () =>
    expectFrugalWork(3_500, () => store.take({ pending: 1_024, quiet: 1_024, due: 1_024, batchSize: 32 })));

  it('so does the next take', () =>
    expectFrugalWork(3_500, () => store.take({ pending: 1_024, quiet: 1_024, due: 1_024, batchSize: 32 })));

  it('a take of held callbacks reads queued rows and what it takes', async () => {
    for (const { id } of endpoints) await store.holds.open(id, 'circuit_open', 0, 0);
    await expectFrugalWork(200, () => store.holds.releaseDue());
    await expectFrugalWork(STRETCH, () => store.takeHeld());
    for (const { id } of endpoints) await store.holds.lift(id);
    await expectFrugalWork(STRETCH, () => store.takeHeld());
    await expectFrugalWork(200, () => store.holds.releaseDue());
    await expectFrugalWork(200, () => store.holds.notLifted());
  });

  it('callbacks without their hold are looked for among the held', () =>
    expectFrugalWork(4_000, () => store.callbacks.releaseStranded(1_000)));

  it.each(['delivered', 'retryAt', 'giveUp', 'hold', 'return'] as const)(
    'a settlement of 512 (%s) reads only these',
    async (kind) => {
      const disposition = {
        delivered: { kind: 'delivered' },
        retryAt: { kind: 'retryAt', delayMs: 1_000 },
        giveUp: { kind: 'giveUp', reason: 'not_retried' },
        hold: { kind: 'hold', deferral: 'circuit_open' },
        return: { kind: 'return', alone: false },
      } as const;
      const settlements = (await ids('queued', 512)).map(({ id, batch, endpoint_id: endpointId }) => ({
        id,
        endpointId,
        batch,
        generation: 0,
        disposition: disposition[kind],
        attempt: { at: new Date().toISOString(), duration_ms: 1, status_code: 200 },
      }));
      expect(settlements).toHaveLength(512);
      await expectFrugalWork(600, () => store.callbacks.settle(settlements));
    },
  );

  it('the open callbacks of a batch are read by their ids', async () => {
    const [{ batch = '' } = {}] = await store.dataSource.query<{ batch?: string }[]>(
      `SELECT batch FROM service_callbacks WHERE state = 'queued' GROUP BY batch HAVING count(*) > 50 LIMIT 1`,
    );
    const members = await store.callbacks.idsOfBatch(batch);
    expect(members.length).toBeGreaterThan(50);
    // The few endpoints may be read for each of them.
    await expectFrugalWork(members.length * SERVICES, () => store.callbacks.openOfBatch(batch, members));
    await expectFrugalWork(members.length, () => store.callbacks.idsOfBatch(batch));
    await expectFrugalWork(1, () => store.callbacks.markAttempt(members[0] ?? '', batch));
    await expectFrugalWork(2 * members.length, () => store.callbacks.rescheduleBatch(batch, 1_000));
  });

  it('a sweep for old batches reads only queued rows', () =>
    expectFrugalWork(STRETCH, () => store.callbacks.oldBatches(10_000, 1_000)));

  it('an expiry reads only what it gives up', () =>
    expectFrugalWork(2_500, () => store.callbacks.expire(1_000, 1_000)));

  it('the end of an endpoint reads only what it gives up', () =>
    expectFrugalWork(2_500, () => store.callbacks.giveUpWaiting(endpoints[0]?.id ?? '', 'disabled', 500)));

  it('a replay reads only what it replays', async () => {
    const finished = (await ids('given_up', 100)).map(({ id }) => id);
    await expectFrugalWork(200, () => store.callbacks.replay(finished, 10));
  });

  it('the oldest due callback is found among the first of each kind', () =>
    expectFrugalWork(20_000, () => store.callbacks.oldestDueMs()));

  describe('a page of', () => {
    const PAGE = 51;
    const scopes: readonly (readonly [string, () => LogScope])[] = [
      ['everybody’s', () => 'all'],
      ['one service’s', () => ({ serviceId: endpoints[1]?.serviceId ?? '' })],
    ];
    const filters: readonly (readonly [string, () => LogFilter])[] = [
      ['', () => ({})],
      ...LOG_STATES.map((state) => [` that are ${state}`, () => ({ state })] as const),
      [' of one endpoint', () => ({ callbackApiId: endpoints[1]?.id ?? '' })],
      [' of one subject', () => ({ subjectId: 'subject-150' })],
      [' of one type', () => ({ callbackType: 'delivery_status' })],
      [' of a rare type', () => ({ callbackType: 'complaint' })],
      [' given up for one reason', () => ({ reason: 'expired' })],
      [' since a time', () => ({ since: new Date(Date.now() - 60_000_000) })],
      [' until a time', () => ({ until: new Date(Date.now() - 60_000_000) })],
    ];
    const cases = scopes.flatMap(([whose, scope]) =>
      filters.map(([which, filter]) => ({ whose, which, scope, filter })),
    );

    it.each(cases)(
      '$whose callbacks$which reads at most a stretch of an index',
      async ({ scope, filter }) => {
        const list = new CallbackListRepository(store.dataSource, { keep: 'all', retentionDays: 30 });
        await expectFrugalWork(STRETCH, () => list.list(scope(), filter(), PAGE));
        const after = { queuedAt: new Date(Date.now() - 50_000_000), id: randomUUID() };
        await expectFrugalWork(STRETCH, () => list.list(scope(), filter(), PAGE, after));
      },
    );

    it.each(scopes)('%s callbacks of a rare type finds each once, page by page', async (_, scope) => {
      const rare = await store.dataSource.query<{ id: string }[]>(
        `SELECT id FROM service_callbacks WHERE callback_type = 'complaint' AND $1 IN ('', service_id)
         ORDER BY queued_at DESC, id DESC`,
        [scope() === 'all' ? '' : endpoints[1]?.serviceId],
      );
      const reader = new CallbackLogReader(
        new CallbackListRepository(store.dataSource, { keep: 'all', retentionDays: 30 }),
      );
      const found: string[] = [];
      for (let page = await reader.list(scope(), { callbackType: 'complaint' }, undefined, 2); ;) {
        found.push(...page.callbacks.map(({ id }) => id));
        if (!page.next) break;
        page = await reader.list(scope(), { callbackType: 'complaint' }, page.next, 2);
      }
      expect(found).toEqual(rare.map(({ id }) => id));
    });

    it.each(scopes)('%s finished callbacks reads only this page', async (_, scope) => {
      const list = new CallbackListRepository(store.dataSource, { keep: 'all', retentionDays: 30 });
      for (const state of ['delivered', 'given_up'] as const)
        await expectFrugalWork(2 * PAGE, () => list.list(scope(), { state }, PAGE));
    });

    it.each(scopes)('%s dead letters reads only this page', async (_, scope) => {
      const letters = new DeadLetterRepository(store.dataSource);
      await expectFrugalWork(2 * PAGE, () => letters.list(scope(), {}, PAGE));
      await expectFrugalWork(2 * PAGE, () =>
        letters.list(scope(), { callbackApiId: endpoints[1]?.id }, PAGE),
      );
      const after = { givenUpAt: new Date(Date.now() - 50_000_000), id: randomUUID() };
      await expectFrugalWork(STRETCH, () => letters.list(scope(), {}, PAGE, after));
    });
  });

  it('one callback is found by its id', async () => {
    const [one] = await ids('delivered', 1);
    const list = new CallbackListRepository(store.dataSource, { keep: 'all', retentionDays: 30 });
    await expectFrugalWork(SERVICES, () => list.find('all', one?.id ?? ''));
  });

  it('a search reads a bounded number of rows', async () => {
    const list = new CallbackListRepository(store.dataSource, { keep: 'all', retentionDays: 30 });
    const every = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] as const;
    for (const scope of ['all', { serviceId: endpoints[1]?.serviceId ?? '' }] as const) {
      await expectFrugalWork(STRETCH, () => list.withIds(scope, every, 20));
      await expectFrugalWork(STRETCH, () => list.withSubject(scope, 'subject-', 20));
      await expectFrugalWork(100, () => list.withSubject(scope, 'subject-1500', 20));
      await expectFrugalWork(100, () => list.ofSubjects(scope, ['subject-150', 'subject-151'], 20));
    }
    const [one] = await ids('delivered', 1);
    const range = uuidRangeOf(one?.id.slice(0, 18) ?? '');
    expect(range).toBeDefined();
    await expectFrugalWork(SERVICES, () => list.withIds('all', range ?? every, 20));
  });

  it('a batch of a replay reads only what it replays, of however many', async () => {
    const replay = new Replay(store.dataSource, store.callbacks);
    await expectFrugalWork(1, () => replay.batch(50, 0));
    const { total } = await new ReplayRunRepository(store.dataSource).start('all', { state: 'given_up' });
    expect(total).toBeGreaterThan(10_000);
    // The few endpoints may be read for each of them.
    await expectFrugalWork(50 * SERVICES, async () => expect(await replay.batch(50, 0)).toBe(50));
  });

  it('waiting callbacks are counted up to a limit, in all and by endpoint', async () => {
    const repository = new EndpointsRepository(store.dataSource);
    for (const scope of ['all', { serviceId: endpoints[1]?.serviceId ?? '' }] as const)
      await expectFrugalWork(STRETCH, () => repository.waiting(scope, 10_000));
    for (const order of ['trouble', 'waiting'] as const)
      await expectFrugalWork(SERVICES * 1_000, () => repository.list('all', new Date(), { order }));
  });

  it('beside a long transaction, a look and a take walk over nothing below the marks', async () => {
    const { dataSource } = store;
    const long = dataSource.createQueryRunner();
    try {
      await long.startTransaction('REPEATABLE READ');
      await long.query('SELECT count(*) FROM service_callbacks');
      await dataSource.query(
        `UPDATE service_callbacks SET state = 'delivered', next_attempt_at = NULL, finished_at = now()
         WHERE state IN ('pending', 'scheduled')`,
      );
      const [{ seq = 0, now = 0 } = {}] = await dataSource.query<{ seq?: number; now?: number }[]>(
        `SELECT max(seq)::int AS seq, (extract(epoch FROM now()) * 1000)::bigint::float8 AS now
         FROM service_callbacks`,
      );
      const limits = { pending: 1_024, quiet: 1_024, due: 1_024 };
      const blocksOf = async (work: () => Promise<unknown>) => {
        const [statement] = await explained(dataSource, work);
        return statement?.blocks ?? Infinity;
      };
      const look = (from: ReadFrom) => blocksOf(() => store.callbacks.isAnyDue(from));
      expect(await look(readFrom(0))).toBeGreaterThan(2_000);
      expect(await look(readFrom(seq))).toBeGreaterThan(1_000);
      expect(await look(readFrom(0, now))).toBeGreaterThan(1_000);
      expect(await look(readFrom(seq, now))).toBeLessThan(500);
      await store.pending(endpoints[0] as StoredEndpoint, { priority: 3 });
      const blocks = await blocksOf(async () =>
        expect(await store.take({ ...limits, from: readFrom(seq, now) })).toHaveLength(1),
      );
      expect(blocks).toBeLessThan(500);
    } finally {
      await long.rollbackTransaction();
      await long.release();
    }
  });
});
