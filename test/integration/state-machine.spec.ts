import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AttemptRecord, HoldReason } from '../../src/service-callbacks/callbacks/callback.js';
import type {
  CallbackState,
  Disposition,
  Settlement,
} from '../../src/service-callbacks/callbacks/state-machine.js';
import { QUIET_PRIORITY } from '../../src/service-callbacks/callbacks/callback.js';
import { readFrom, RecordStore, type StoredEndpoint } from '../support/record-store.js';

const HOUR_MS = 3_600_000;
const GIVE_UP: Disposition = { kind: 'giveUp', reason: 'not_retried' };
const RETRY: Disposition = { kind: 'retryAt', delayMs: HOUR_MS };
const DUE: Disposition = { kind: 'retryAt', delayMs: 0 };
const DELIVERED: Disposition = { kind: 'delivered' };
const RETURN: Disposition = { kind: 'return', alone: false };
const HOLD: Disposition = { kind: 'hold', deferral: 'circuit_open' };

/** An attempt a minute; the same minute is the same attempt. */
function attempt(minute: number, statusCode = 503): AttemptRecord {
  return { at: new Date(minute * 60_000).toISOString(), duration_ms: 7, status_code: statusCode };
}

describe('the state machine of a callback', () => {
  let store: RecordStore;
  let endpoint: StoredEndpoint;

  beforeAll(async () => {
    store = await RecordStore.open();
  });

  beforeEach(async () => {
    await store.clear();
    endpoint = await store.endpoint();
  });

  afterAll(() => store.close());

  interface Known {
    readonly id: string;
    /** The last batch it was in. */
    readonly batch: string;
  }

  async function settled(disposition: Disposition): Promise<Known> {
    const known = await store.queued(endpoint);
    await settle(known, disposition);
    return known;
  }

  type Start =
    'pending' | 'returned' | 'due' | 'scheduled' | 'queued' | 'held' | 'stranded' | 'delivered' | 'given_up';

  /** @returns whether the state of the record changed. */
  async function settle(
    { id, batch }: Known,
    disposition: Disposition,
    more: Partial<Settlement> = {},
  ): Promise<boolean | undefined> {
    const settlement = { id, endpointId: endpoint.id, batch, generation: 0, disposition, ...more };
    return (await store.callbacks.settle([settlement])).get(id);
  }

  const change = (statement: string) => store.dataSource.query(statement, [endpoint.id]);
  const deleteEndpoint = () => change('DELETE FROM service_callback_apis WHERE id = $1');
  const disableEndpoint = () =>
    change(`UPDATE service_callback_apis SET disabled_at = now(), disabled_reason = 'by_hand' WHERE id = $1`);

  /** Puts its endpoint on hold for this long, because of an attempt that began just now. */
  const hold = (forMs = 0, reason: HoldReason = 'circuit_open', attemptAgeMs = 0) =>
    store.holds.open(endpoint.id, reason, forMs, attemptAgeMs);

  /** How a record comes into each state. */
  const states: Readonly<Record<Start, () => Promise<Known>>> = {
    pending: async () => ({ id: await store.pending(endpoint), batch: randomUUID() }),
    returned: () => settled(RETURN),
    due: () => settled(DUE),
    scheduled: () => settled(RETRY),
    queued: () => store.queued(endpoint),
    held: async () => {
      const known = await store.queued(endpoint);
      await hold();
      await settle(known, HOLD);
      return known;
    },
    stranded: async () => {
      const known = await states.held();
      await change('DELETE FROM service_callback_holds WHERE endpoint_id = $1');
      return known;
    },
    delivered: () => settled(DELIVERED),
    given_up: () => settled(GIVE_UP),
  };

  const stateOf: Readonly<Record<Start, CallbackState>> = {
    pending: 'pending',
    returned: 'pending',
    due: 'scheduled',
    scheduled: 'scheduled',
    queued: 'queued',
    held: 'held',
    stranded: 'held',
    delivered: 'delivered',
    given_up: 'given_up',
  };

  const delivered = 'delivered' as const;
  const givenUp = 'given_up' as const;

  /** Every transition, with the states it changes; it leaves all others as they are. */
  const transitions: readonly {
    readonly name: string;
    readonly make: (known: Known) => Promise<unknown>;
    readonly changes: Partial<Record<Start, CallbackState>>;
  }[] = [
    {
      name: 'a take',
      make: () => store.take(),
      changes: { pending: 'queued', returned: 'queued', due: 'queued' },
    },
    {
      name: 'a take, its endpoint deleted',
      make: async () => {
        await deleteEndpoint();
        await store.take();
      },
      changes: { pending: givenUp, returned: givenUp, due: givenUp },
    },
    {
      name: 'a take, its endpoint disabled',
      make: async () => {
        await disableEndpoint();
        await store.take();
      },
      changes: { pending: givenUp, returned: givenUp, due: givenUp },
    },
    {
      name: 'a take, its endpoint on hold',
      make: async () => {
        await hold(HOUR_MS);
        await store.take();
      },
      changes: { pending: 'held', returned: 'held', due: 'held' },
    },
    {
      name: 'a take of held ones, its endpoint on hold',
      make: () => store.takeHeld(),
      changes: { held: 'queued' },
    },
    {
      name: 'a take of held ones before its time',
      make: async () => {
        await change(
          `UPDATE service_callback_holds SET next_probe_at = now() + interval '1 hour' WHERE endpoint_id = $1`,
        );
        await store.takeHeld();
      },
      changes: {},
    },
    {
      name: 'a take of held ones, its endpoint deleted',
      make: async () => {
        await deleteEndpoint();
        await store.takeHeld();
      },
      changes: { held: givenUp },
    },
    {
      name: 'a release',
      make: async () => {
        await store.holds.lift(endpoint.id);
        await store.takeHeld();
      },
      changes: { held: 'queued' },
    },
    {
      name: 'a sweep',
      make: () => store.callbacks.releaseStranded(1_000),
      changes: { stranded: 'scheduled' },
    },
    {
      name: 'a success',
      make: (known) => settle(known, DELIVERED, { attempt: attempt(1, 200) }),
      changes: {
        pending: delivered,
        returned: delivered,
        due: delivered,
        scheduled: delivered,
        queued: delivered,
        held: delivered,
        stranded: delivered,
        given_up: delivered,
      },
    },
    {
      name: 'a retryable failure',
      make: (known) => settle(known, RETRY, { attempt: attempt(1) }),
      changes: { queued: 'scheduled' },
    },
    {
      name: 'a deferral',
      make: (known) => settle(known, { kind: 'retryAt', delayMs: 1_000, deferral: 'circuit_open' }),
      changes: { queued: 'scheduled' },
    },
    {
      name: 'a wait behind a hold',
      make: async (known) => {
        await hold(HOUR_MS);
        await settle(known, HOLD);
      },
      changes: { queued: 'held' },
    },
    {
      name: 'a wait behind a hold that is gone',
      make: async (known) => {
        await change('DELETE FROM service_callback_holds WHERE endpoint_id = $1');
        await settle(known, HOLD);
      },
      changes: { queued: 'scheduled' },
    },
    {
      name: 'a return',
      make: (known) => settle(known, RETURN),
      changes: { queued: 'pending' },
    },
    {
      name: 'a final failure',
      make: (known) => settle(known, GIVE_UP, { attempt: attempt(1, 404) }),
      changes: { queued: givenUp },
    },
    {
      name: 'a batch of a later release',
      make: ({ batch }) => store.callbacks.rescheduleBatch(batch, HOUR_MS),
      changes: { queued: 'scheduled' },
    },
    {
      name: 'the deletion of its endpoint',
      make: () => store.callbacks.giveUpWaiting(endpoint.id, 'cancelled', 10),
      changes: {
        pending: givenUp,
        returned: givenUp,
        due: givenUp,
        scheduled: givenUp,
        held: givenUp,
        stranded: givenUp,
      },
    },
    {
      name: 'the maximum age',
      make: async ({ id }) => {
        await store.change(id, `generation_at = now() - interval '1 day'`);
        await store.callbacks.expire(HOUR_MS, 10);
      },
      changes: { due: givenUp, scheduled: givenUp, held: givenUp, stranded: givenUp },
    },
    {
      name: 'a replay',
      make: ({ id }) => store.callbacks.replay([id], 10),
      changes: { delivered: 'pending', given_up: 'pending' },
    },
  ];

  const cases = transitions.flatMap(({ name, make, changes }) =>
    (Object.keys(states) as Start[]).map((start) => ({
      name,
      start,
      make,
      end: changes[start] ?? stateOf[start],
      how: changes[start] === undefined ? 'leaves' : 'changes',
    })),
  );

  it.each(cases)('$name $how what is $start: it is $end after it', async ({ start, make, end }) => {
    const known = await states[start]();
    expect((await store.row(known.id)).state).toBe(stateOf[start]);
    await make(known);
    expect((await store.row(known.id)).state).toBe(end);
  });

  describe('an insert', () => {
    it('makes a pending record with its payload', async () => {
      const queuedAt = Date.parse('2026-03-01T12:00:00.123Z');
      const id = await store.pending(endpoint, { queued_at: queuedAt, payload: 'sealed' });
      expect(await store.row(id)).toMatchObject({
        state: 'pending',
        url: endpoint.url,
        generation: 0,
        generation_at: new Date(queuedAt),
        queued_at: new Date(queuedAt),
        attempts: [],
        attempt_count: 0,
        finished_at: null,
        payload: 'sealed',
      });
    });

    it('returns the record that has the news, and inserts nothing', async () => {
      const first = store.newCallback(endpoint);
      const same = store.newCallback(endpoint, { news_key: first.news_key });
      const other = store.newCallback(endpoint);
      expect(await store.callbacks.insert([first, same, other])).toEqual(
        new Map([
          [first.id, first.id],
          [same.id, first.id],
          [other.id, other.id],
        ]),
      );
      const again = store.newCallback(endpoint, { news_key: first.news_key });
      expect(await store.callbacks.insert([again])).toEqual(new Map([[again.id, first.id]]));
      await expect(store.row(same.id)).rejects.toThrow('has no record');
      await expect(store.row(again.id)).rejects.toThrow('has no record');
    });

    /** The same news in two transactions: the first is open, and the second waits for it. */
    async function insertTwice() {
      const first = store.newCallback(endpoint);
      const second = store.newCallback(endpoint, { news_key: first.news_key });
      const open = store.dataSource.createQueryRunner();
      await open.startTransaction();
      await store.callbacks.insert([first], open.manager);
      const waiting = store.callbacks.insert([second]);
      await othersWaitForALock();
      return { first, second, open, waiting };
    }

    it('of the same news in two transactions: the second waits, and gets the id of the first', async () => {
      const { first, second, open, waiting } = await insertTwice();
      await open.commitTransaction();
      await open.release();
      expect(await waiting).toEqual(new Map([[second.id, first.id]]));
    });

    it('of the same news in two transactions: the second is inserted if the news is cleared at once', async () => {
      const { second, open, waiting } = await insertTwice();
      // It gets the table after the second's insert and before its next statement.
      const clearing = store.dataSource.query(
        'BEGIN; LOCK TABLE service_callback_news; DELETE FROM service_callback_news; COMMIT',
      );
      await othersWaitForALock(2);
      await open.commitTransaction();
      await open.release();
      await clearing;
      expect(await waiting).toEqual(new Map([[second.id, second.id]]));
      expect((await store.row(second.id)).state).toBe('pending');
    });

    it('of the same news in two transactions: the second is inserted if the first is rolled back', async () => {
      const { first, second, open, waiting } = await insertTwice();
      await open.rollbackTransaction();
      await open.release();
      expect(await waiting).toEqual(new Map([[second.id, second.id]]));
      await expect(store.row(first.id)).rejects.toThrow('has no record');
    });

    it('of the same news, in other orders, by transactions at once: none is a deadlock', async () => {
      const keys = Array.from({ length: 200 }, () => randomUUID());
      const inserts = [keys, keys.toReversed(), keys.toSorted(), keys.toSorted().toReversed()].map((order) =>
        store.callbacks.insert(order.map((news_key) => store.newCallback(endpoint, { news_key }))),
      );
      const results = await Promise.all(inserts);
      expect(new Set(results.flatMap((result) => [...result.values()])).size).toBe(keys.length);
    });
  });

  async function othersWaitForALock(count = 1): Promise<void> {
    for (;;) {
      const waiting = await store.dataSource.query<unknown[]>(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (waiting.length >= count) return;
    }
  }

  describe('a take', () => {
    it('reads what a job needs, with the endpoint as it is now', async () => {
      const trace = { traceparent: '00-11111111111111111111111111111111-2222222222222222-01' };
      const id = await store.pending(endpoint, { payload: 'sealed', trace });
      await change(`UPDATE service_callback_apis SET url = 'https://moved.example/', bearer_token = 'b', signing_secret = 's',
        previous_signing_secret = 'p', previous_signing_secret_until = now() + interval '1 hour' WHERE id = $1`);
      const taken = await store.take();
      expect(taken).toEqual([
        expect.objectContaining({
          id,
          state: 'queued',
          reason: null,
          is_first: true,
          service_id: endpoint.serviceId,
          endpoint_id: endpoint.id,
          url: 'https://moved.example/',
          payload: 'sealed',
          bearer_token: 'b',
          signing_secret: 's',
          previous_secret: 'p',
          trace,
          generation: 0,
          attempt_count: 0,
          alone: false,
        }),
      ]);
      expect(await store.row(id)).toMatchObject({ batch: taken[0]?.batch, url: 'https://moved.example/' });
    });

    it('reads the secret before a rotation as long as it is in use', async () => {
      await store.pending(endpoint);
      await change(`UPDATE service_callback_apis SET signing_secret = 's', previous_signing_secret = 'p',
        previous_signing_secret_until = now() WHERE id = $1`);
      expect((await store.take())[0]?.previous_secret).toBeNull();
    });

    it('gives up callbacks without an endpoint, with the reason', async () => {
      const [gone, off] = [await store.endpoint(), await store.endpoint()];
      const ids = [await store.pending(gone), await store.pending(off)];
      await store.dataSource.query('DELETE FROM service_callback_apis WHERE id = $1', [gone.id]);
      endpoint = off;
      await disableEndpoint();
      const reasons = new Map((await store.take()).map(({ id, reason }) => [id, reason]));
      expect(ids.map((id) => reasons.get(id))).toEqual(['cancelled', 'disabled']);
      for (const id of ids) expect(await store.row(id)).toMatchObject({ state: 'given_up', batch: null });
    });

    it('separates first attempts from later ones, also in a returned batch', async () => {
      const [later, replayed, returned] = [
        await states.scheduled(),
        await states.delivered(),
        await states.returned(),
      ];
      await store.change(later.id, 'next_attempt_at = now()');
      await store.callbacks.replay([replayed.id], 1);
      const first = await states.pending();
      const taken = await store.take();
      const batchOf = new Map(taken.map(({ id, batch }) => [id, batch]));
      expect(taken).toHaveLength(4);
      for (const { id, is_first: isFirst } of taken)
        expect(isFirst).toBe(id !== later.id && id !== replayed.id);
      expect(batchOf.get(first.id)).not.toBe(batchOf.get(later.id));
      expect(batchOf.get(first.id)).toBe(batchOf.get(returned.id));
      expect(batchOf.get(later.id)).toBe(batchOf.get(replayed.id));
    });

    it('makes batches of a bounded number of callbacks, sorted by endpoint', async () => {
      const endpoints = [endpoint, await store.endpoint(), await store.endpoint()];
      const news = Array.from({ length: 30 }, (_, index) =>
        store.newCallback(endpoints[index % 3] as StoredEndpoint),
      );
      await store.callbacks.insert(news);
      const taken = await store.take({ batchSize: 8 });
      const sizes = [...Map.groupBy(taken, ({ batch }) => batch).values()].map((batch) => batch.length);
      expect(sizes.toSorted((one, other) => one - other)).toEqual([6, 8, 8, 8]);
      const pairs = new Set(taken.map(({ batch, endpoint_id: of }) => `${batch} ${of}`));
      // Three endpoints in four batches: at most two batches have a callback of an endpoint that another has, too.
      expect(pairs.size).toBeLessThanOrEqual(6);
    });

    it('makes batches of a bounded number of bytes, and one for a larger payload', async () => {
      const payload = 'x'.repeat(100 * 1024);
      const news = Array.from({ length: 9 }, () => store.newCallback(endpoint, { payload }));
      await store.callbacks.insert([
        ...news,
        store.newCallback(endpoint, { payload: 'x'.repeat(600 * 1024) }),
      ]);
      const taken = await store.take();
      expect(taken).toHaveLength(10);
      for (const batch of Map.groupBy(taken, (row) => row.batch).values()) {
        const bytes = batch.reduce((sum, row) => sum + (row.payload?.length ?? 0), 0);
        // A batch ends with the callback that crosses 256 KiB.
        expect(bytes - (batch.at(-1)?.payload?.length ?? 0)).toBeLessThanOrEqual(256 * 1024);
        expect(batch.length).toBeLessThanOrEqual(3);
      }
    });

    it('puts a callback that goes alone into a batch of one', async () => {
      const alone = [await store.queued(endpoint), await store.queued(endpoint)];
      for (const known of alone) await settle(known, { kind: 'return', alone: true });
      const others = [await store.pending(endpoint), await store.pending(endpoint)];
      const taken = await store.take();
      const batchOf = new Map(taken.map(({ id, batch }) => [id, batch]));
      const batches = Map.groupBy(taken, ({ batch }) => batch);
      for (const { id } of alone) expect(batches.get(batchOf.get(id) ?? '')).toHaveLength(1);
      expect(batches.get(batchOf.get(others[0] ?? '') ?? '')).toHaveLength(2);
      for (const row of taken) expect(row.alone).toBe(alone.some(({ id }) => id === row.id));
    });

    it('goes by priority, then by arrival', async () => {
      const order = [3, 1, 2, 1];
      const ids: string[] = [];
      for (const priority of order) ids.push(await store.pending(endpoint, { priority }));
      const taken: string[] = [];
      // An eighth of a take, at least one, is of the lowest priority.
      for (let count = 0; count < 4; count += 1) taken.push(...(await ofHighest()).map(({ id }) => id));
      expect(taken).toEqual([ids[1], ids[3], ids[2], ids[0]]);
    });

    /** One at a time, if the lowest priority has no callback. */
    async function ofHighest() {
      const lowest = await store.pending(endpoint, { priority: 24 });
      const taken = await store.take({ pending: 1, quiet: 1 });
      await store.dataSource.query('DELETE FROM service_callbacks WHERE id = $1', [lowest]);
      return taken.filter(({ id }) => id !== lowest);
    }

    it('gives an eighth to the lowest priority, also in a flood', async () => {
      for (const priority of [QUIET_PRIORITY + 1, 20])
        await store.callbacks.insert(
          Array.from({ length: 100 }, () => store.newCallback(endpoint, { priority })),
        );
      const taken = await store.take({ pending: 80 });
      expect(taken).toHaveLength(80);
      expect(taken.filter(({ priority }) => priority === 20)).toHaveLength(10);
    });

    it('takes a bounded number of pending and due callbacks, in the order of their times', async () => {
      const due: string[] = [];
      for (let count = 0; count < 3; count += 1) due.push((await states.scheduled()).id);
      for (const [index, minutes] of [5, 30, 10].entries())
        await store.change(due[index] ?? '', `next_attempt_at = now() - interval '${minutes} minutes'`);
      await store.callbacks.insert(
        Array.from({ length: 40 }, () => store.newCallback(endpoint, { priority: 2 })),
      );
      expect(await store.take({ pending: 0, quiet: 0, due: 0 })).toEqual([]);
      const taken = Map.groupBy(await store.take({ pending: 16, quiet: 16, due: 2 }), (row) => row.is_first);
      // The eighth for the lowest priority is among the others here.
      expect(taken.get(true)?.length).toBeGreaterThanOrEqual(14);
      expect(taken.get(true)?.length).toBeLessThanOrEqual(16);
      expect(
        taken
          .get(false)
          ?.map(({ id }) => id)
          .toSorted(),
      ).toEqual([due[1] ?? '', due[2] ?? ''].toSorted());
    });

    it('takes those of quiet services by a limit of their own', async () => {
      const loud = () => store.newCallback(endpoint, { priority: QUIET_PRIORITY + 1 });
      const quiet = () => store.newCallback(endpoint, { priority: QUIET_PRIORITY });
      await store.callbacks.insert([
        ...Array.from({ length: 20 }, loud),
        ...Array.from({ length: 20 }, quiet),
      ]);
      const priorities = async (limits: { pending: number; quiet: number }) =>
        (await store.take(limits)).map(({ priority }) => priority);
      expect(await priorities({ pending: 0, quiet: 15 })).toEqual(Array(15).fill(QUIET_PRIORITY));
      const taken = await store.take({ pending: 6, quiet: 4 });
      const batchesOf = (isQuiet: boolean) => {
        const ofKind = taken.filter(({ priority }) => priority <= QUIET_PRIORITY === isQuiet);
        return { callbacks: ofKind.length, batches: new Set(ofKind.map(({ batch }) => batch)).size };
      };
      expect(batchesOf(true)).toEqual({ callbacks: 4, batches: 1 });
      // The eighth of the lowest priority is one of them, and taken once.
      expect(batchesOf(false)).toEqual({ callbacks: 5, batches: 1 });
      expect(new Set(taken.map(({ batch }) => batch)).size).toBe(2);
    });

    it('reads due ones from a time, and returns the time at which each was due', async () => {
      const ids = [(await states.scheduled()).id, (await states.scheduled()).id];
      const [earlier, later] = [1_700_000_000_000, 1_700_000_000_001];
      for (const [index, at] of [earlier, later].entries())
        await store.change(ids[index] ?? '', `next_attempt_at = to_timestamp(${at + 0.9} / 1000.0)`);
      const waiting = await store.pending(endpoint);
      const timesOf = async (dueSince: number) =>
        new Map(
          (await store.take({ from: readFrom(0, dueSince) })).map((row) => [row.id, row.next_attempt_at]),
        );
      const taken = await timesOf(later);
      expect(taken.get(ids[1] ?? '')).toBe(later);
      expect(taken.get(waiting)).toBeNull();
      expect(taken.has(ids[0] ?? '')).toBe(false);
      expect((await timesOf(earlier)).get(ids[0] ?? '')).toBe(earlier);
    });

    it('reads each priority after its mark', async () => {
      const before = await store.row(await store.pending(endpoint));
      const after = await store.row(await store.pending(endpoint));
      const other = await store.row(await store.pending(endpoint, { priority: 2 }));
      const marks = new Map([
        [1, before.seq],
        [2, other.seq],
      ]);
      expect((await store.take({ from: { after: marks, dueSince: 0 } })).map(({ id }) => id)).toContain(
        after.id,
      );
      expect(await store.row(before.id)).toMatchObject({ state: 'pending' });
    });

    it('by many processes at once takes each record once', async () => {
      const news = Array.from({ length: 300 }, () => store.newCallback(endpoint));
      await store.callbacks.insert(news);
      const taken: string[] = [];
      while (taken.length < news.length) {
        const all = await Promise.all(Array.from({ length: 6 }, () => store.take({ pending: 40 })));
        taken.push(...all.flat().map(({ id }) => id));
      }
      expect(new Set(taken).size).toBe(taken.length);
    });

    it('is run by one process at a time', async () => {
      await store.pending(endpoint);
      const other = store.dataSource.createQueryRunner();
      await other.startTransaction();
      // The key of the relays' lock.
      await other.query('SELECT pg_advisory_xact_lock(7364120021)');
      expect(await store.take()).toEqual([]);
      await other.commitTransaction();
      await other.release();
      expect(await store.take()).toHaveLength(1);
    });

    it('skips records that another transaction locks', async () => {
      const [held, free] = [await store.pending(endpoint), await store.pending(endpoint)];
      const other = store.dataSource.createQueryRunner();
      await other.startTransaction();
      await other.query('SELECT FROM service_callbacks WHERE id = $1 FOR UPDATE', [held]);
      expect((await store.take()).map(({ id }) => id)).toEqual([free]);
      await other.commitTransaction();
      await other.release();
      expect((await store.take()).map(({ id }) => id)).toEqual([held]);
    });
  });

  describe('a settlement', () => {
    it('of a success writes its attempt and where it went, and ends the record', async () => {
      const known = await store.queued(endpoint);
      const url = 'https://where-it-went.example/';
      expect(await settle(known, DELIVERED, { attempt: attempt(1, 200), url })).toBe(true);
      expect(await store.row(known.id)).toMatchObject({
        state: 'delivered',
        reason: null,
        url,
        batch: null,
        attempts: [attempt(1, 200)],
        attempt_count: 1,
        finished_at: expect.any(Date),
      });
    });

    it('of a retryable failure writes when it is tried again, by the database’s clock', async () => {
      const known = await store.queued(endpoint);
      await settle(known, { kind: 'retryAt', delayMs: 90_000 }, { attempt: attempt(1) });
      const [row] = await store.dataSource.query<{ delay: number }[]>(
        `SELECT extract(epoch FROM next_attempt_at - changed_at)::float8 AS delay FROM service_callbacks`,
      );
      expect(row).toEqual({ delay: 90 });
      expect(await store.row(known.id)).toMatchObject({ detail: null, batch: null, attempt_count: 1 });
    });

    it('of a deferral has the reason, and spends no attempt', async () => {
      const known = await store.queued(endpoint);
      await settle(known, { kind: 'retryAt', delayMs: 0, deferral: 'endpoint_busy' });
      expect(await store.row(known.id)).toMatchObject({ detail: 'endpoint_busy', attempt_count: 0 });
      // The reason stays while it is queued again, so that the log reports the deferral once.
      await store.take();
      expect(await store.row(known.id)).toMatchObject({ state: 'queued', detail: 'endpoint_busy' });
    });

    it('of an unsent callback puts it behind the pending ones', async () => {
      const known = await store.queued(endpoint);
      const next = await store.row(await store.pending(endpoint));
      await settle(known, RETURN);
      expect((await store.row(known.id)).seq).toBeGreaterThan(next.seq);
    });

    it('of a give-up has the reason, in words as well', async () => {
      const known = await store.queued(endpoint);
      await settle(known, { kind: 'giveUp', reason: 'unreadable', detail: 'the payload was altered' });
      expect(await store.row(known.id)).toMatchObject({
        state: 'given_up',
        reason: 'unreadable',
        detail: 'the payload was altered',
        finished_at: expect.any(Date),
      });
    });

    it('writes texts that PostgreSQL cannot store, without these characters', async () => {
      const known = await store.queued(endpoint);
      const excerpt = 'a\0b\ud800c';
      await settle(known, GIVE_UP, { attempt: { ...attempt(1), excerpt } });
      expect((await store.row(known.id)).attempts[0]?.excerpt).toBe('ab\ufffdc');
    });

    it('of many records is one statement, and returns whether each changed', async () => {
      const [one, other, late] = [
        await store.queued(endpoint),
        await store.queued(endpoint),
        await settled(DELIVERED),
      ];
      const missing = { id: randomUUID(), batch: randomUUID() };
      const result = await store.callbacks.settle(
        [one, other, late, missing].map(({ id, batch }, index) => ({
          id,
          endpointId: endpoint.id,
          batch,
          generation: 0,
          disposition: index === 0 ? DELIVERED : GIVE_UP,
          attempt: attempt(index + 1),
        })),
      );
      expect(result).toEqual(
        new Map([
          [one.id, true],
          [other.id, true],
          [late.id, false],
        ]),
      );
    });

    it('of another batch changes only the attempts', async () => {
      const known = await store.queued(endpoint);
      const foreign = { ...known, batch: randomUUID() };
      const before = await store.row(known.id);
      for (const disposition of [RETRY, GIVE_UP, { kind: 'return', alone: true } as const])
        expect(await settle(foreign, disposition, { attempt: attempt(1) })).toBe(false);
      expect(await store.row(known.id)).toEqual({ ...before, attempts: [attempt(1)], attempt_count: 1 });
    });

    it('of another batch without an attempt changes nothing', async () => {
      const known = await store.queued(endpoint);
      const before = await store.row(known.id);
      expect(await settle({ ...known, batch: randomUUID() }, GIVE_UP)).toBeUndefined();
      expect(await store.row(known.id)).toEqual(before);
    });

    it.each([
      ['failure', GIVE_UP],
      ['retry', RETRY],
      ['return', RETURN],
    ])('of a late %s does not beat a success', async (_, disposition) => {
      const known = await store.queued(endpoint);
      await settle(known, DELIVERED, { attempt: attempt(1, 200) });
      const before = await store.row(known.id);
      expect(await settle(known, disposition, { attempt: attempt(2) })).toBe(false);
      const attempts = [attempt(1, 200), attempt(2)];
      expect(await store.row(known.id)).toEqual({ ...before, attempts, attempt_count: 2 });
    });

    it('of a success beats a give-up of its generation', async () => {
      const known = await store.queued(endpoint);
      await settle(known, { kind: 'giveUp', reason: 'stalled', detail: 'why' }, { attempt: attempt(1) });
      expect(await settle(known, DELIVERED, { attempt: attempt(2, 200) })).toBe(true);
      expect(await store.row(known.id)).toMatchObject({
        state: 'delivered',
        reason: null,
        detail: null,
        attempts: [attempt(1), attempt(2, 200)],
      });
    });

    it('of a success of an earlier generation changes only the attempts', async () => {
      const known = await settled(GIVE_UP);
      await store.callbacks.replay([known.id], 1);
      const before = await store.row(known.id);
      expect(await settle(known, DELIVERED, { attempt: attempt(1, 200) })).toBe(false);
      const after = { ...before, attempts: [attempt(1, 200)], attempt_count: 1 };
      expect(await store.row(known.id)).toEqual(after);
      const [taken] = await store.take();
      await settle({ ...known, batch: taken?.batch ?? '' }, GIVE_UP, { generation: 1 });
      expect(await settle(known, DELIVERED, { attempt: attempt(2, 200) })).toBe(false);
      expect((await store.row(known.id)).state).toBe('given_up');
    });

    it('of a success settles a callback that another batch has meanwhile', async () => {
      const known = await store.queued(endpoint);
      await settle(known, DUE);
      const [taken] = await store.take();
      expect(taken?.batch).not.toBe(known.batch);
      expect(await settle(known, DELIVERED, { attempt: attempt(1, 200) })).toBe(true);
      expect(await settle({ ...known, batch: taken?.batch ?? '' }, RETRY)).toBeUndefined();
      expect((await store.row(known.id)).state).toBe('delivered');
    });

    it('that is repeated writes its attempt once', async () => {
      const known = await store.queued(endpoint);
      await settle(known, RETRY, { attempt: attempt(1) });
      const before = await store.row(known.id);
      for (let time = 0; time < 3; time += 1)
        expect(await settle(known, RETRY, { attempt: attempt(1) })).toBe(false);
      expect(await store.row(known.id)).toEqual(before);
    });

    it('by two workers writes both attempts, however equal', async () => {
      const known = await store.queued(endpoint);
      const attempts = ['one', 'other'].map((worker) => ({ ...attempt(1), worker }));
      for (const made of attempts) await settle(known, RETRY, { attempt: made });
      expect(await store.row(known.id)).toMatchObject({ attempts, attempt_count: 2 });
    });

    it('by two processes at once changes the record once and keeps both attempts', async () => {
      for (let round = 0; round < 10; round += 1) {
        const known = await store.queued(endpoint);
        const applied = await Promise.all([
          settle(known, GIVE_UP, { attempt: attempt(1, 404) }),
          settle(known, RETRY, { attempt: attempt(2) }),
        ]);
        expect(applied.filter(Boolean)).toHaveLength(1);
        expect((await store.row(known.id)).attempt_count).toBe(2);
      }
    });

    it('keeps the last fifty attempts, and counts all', async () => {
      const known = await store.queued(endpoint);
      for (let minute = 1; minute <= 53; minute += 1)
        await settle({ ...known, batch: randomUUID() }, RETRY, { attempt: attempt(minute) });
      const { attempts, attempt_count: count } = await store.row(known.id);
      expect(count).toBe(53);
      expect(attempts).toEqual(Array.from({ length: 50 }, (_, index) => attempt(index + 4)));
    });
  });

  describe('behind a hold', () => {
    /** @returns a probe that is on its way. */
    async function probing(): Promise<Known> {
      const { id } = await states.held();
      const [taken] = await store.takeHeld();
      expect(taken).toMatchObject({ id, is_probe: true, is_first: false });
      return { id, batch: taken?.batch ?? '' };
    }

    it('a callback has the reason why it waits', async () => {
      const { id } = await states.held();
      expect(await store.row(id)).toMatchObject({
        detail: 'circuit_open',
        batch: null,
        next_attempt_at: null,
      });
      await hold(HOUR_MS, 'retry_after');
      const pending = await store.pending(endpoint);
      expect(await store.take()).toMatchObject([
        { id: pending, state: 'held', hold_reason: 'circuit_open', next_probe_at: expect.any(Number) },
      ]);
      expect(await store.row(pending)).toMatchObject({ state: 'held', detail: 'circuit_open', batch: null });
    });

    it('one probe at a time goes out, in a batch of one; the next follows after twice the time', async () => {
      const known = await probing();
      await states.held();
      await change('UPDATE service_callback_holds SET next_probe_at = now() WHERE endpoint_id = $1');
      expect(await store.takeHeld()).toEqual([]);
      await settle(known, HOLD, { attempt: attempt(1), isProbe: true });
      expect(await store.takeHeld()).toMatchObject([{ is_probe: true }]);
    });

    it('the interval of probes doubles, to ten minutes', async () => {
      await states.held();
      await change('UPDATE service_callback_holds SET probe_interval_ms = 200000 WHERE endpoint_id = $1');
      const intervals: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        await change('UPDATE service_callback_holds SET next_probe_at = now() WHERE endpoint_id = $1');
        const [taken] = await store.takeHeld();
        await settle({ id: taken?.id ?? '', batch: taken?.batch ?? '' }, HOLD, { isProbe: true });
        const rows = await store.dataSource.query<{ ms: number }[]>(
          'SELECT probe_interval_ms AS ms FROM service_callback_holds',
        );
        intervals.push(rows[0]?.ms ?? 0);
      }
      expect(intervals).toEqual([400_000, 600_000, 600_000]);
    });

    it('the first probe may come later than that: thirty days', async () => {
      await states.held();
      await change('DELETE FROM service_callback_holds WHERE endpoint_id = $1');
      const days = 30 * 24 * HOUR_MS;
      expect(await hold(days)).toBe(true);
      expect((await store.holds.notLifted())[0]?.due_in_ms).toBeGreaterThan(days - HOUR_MS);
      await change('UPDATE service_callback_holds SET next_probe_at = now() WHERE endpoint_id = $1');
      expect(await store.takeHeld()).toHaveLength(1);
      expect((await store.holds.notLifted())[0]?.due_in_ms).toBeLessThanOrEqual(600_000);
    });

    it('the probe is the one that was probed longest ago, then the oldest', async () => {
      await hold();
      const ids: string[] = [];
      for (const minutes of [3, 1, 2]) {
        const { id } = await states.held();
        await store.change(id, `queued_at = now() - interval '${minutes} minutes'`);
        ids.push(id);
      }
      const probed: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        await change('UPDATE service_callback_holds SET next_probe_at = now() WHERE endpoint_id = $1');
        const [taken] = await store.takeHeld();
        probed.push(taken?.id ?? '');
        await settle({ id: taken?.id ?? '', batch: taken?.batch ?? '' }, HOLD, { isProbe: true });
      }
      expect(probed).toEqual([ids[0], ids[2], ids[1], ids[0]]);
    });

    it('a probe that fails spends no retry, and has its time', async () => {
      const known = await probing();
      await settle(known, HOLD, { attempt: attempt(1), isProbe: true });
      expect(await store.row(known.id)).toMatchObject({
        state: 'held',
        attempt_count: 1,
        earlier_attempts: 1,
        probed_at: expect.any(Date),
      });
    });

    it('the number of probes is bounded over all endpoints', async () => {
      for (let count = 0; count < 4; count += 1) {
        endpoint = await store.endpoint();
        await states.held();
      }
      expect(await store.takeHeld({ probes: 3 })).toHaveLength(3);
      expect(await store.takeHeld({ probes: 3 })).toEqual([]);
      expect(await store.takeHeld({ probes: 4 })).toHaveLength(1);
    });

    it('callbacks are released by age, in a window that doubles while they are settled', async () => {
      const ids: string[] = [];
      for (let count = 0; count < 20; count += 1) ids.push((await states.held()).id);
      await store.holds.lift(endpoint.id);
      const released: string[][] = [];
      for (let round = 0; round < 5; round += 1) {
        const taken = await store.takeHeld({ maxWindow: 8 });
        released.push(taken.map(({ id }) => id).toSorted());
        for (const { id, batch } of taken)
          await settle({ id, batch }, DELIVERED, { attempt: attempt(1, 200) });
      }
      expect(released.map((round) => round.length)).toEqual([1, 2, 4, 8, 5]);
      expect(released.flat()).toEqual(
        [ids.slice(0, 1), ids.slice(1, 3), ids.slice(3, 7), ids.slice(7, 15), ids.slice(15)]
          .map((round) => round.toSorted())
          .flat(),
      );
    });

    it('the window does not grow while nothing is settled', async () => {
      for (let count = 0; count < 20; count += 1) await states.held();
      await store.holds.lift(endpoint.id);
      const released: string[] = [];
      for (let round = 0; round < 6; round += 1)
        released.push(...(await store.takeHeld()).map(({ id }) => id));
      expect(released).toHaveLength(2);
    });

    it('an open hold ignores older attempts; a lifted hold is opened only by later ones', async () => {
      expect(await hold(HOUR_MS)).toBe(true);
      expect(await hold(HOUR_MS)).toBe(false);
      await store.holds.lift(endpoint.id);
      expect(await hold(HOUR_MS, 'circuit_open', 1_000)).toBe(false);
      expect(await hold(HOUR_MS)).toBe(true);
    });

    it('a hold by Retry-After ends by time, and grows if the endpoint sends a longer one', async () => {
      const dueIn = async () => (await store.holds.notLifted())[0]?.due_in_ms ?? 0;
      expect(await hold(60_000, 'retry_after')).toBe(true);
      const first = await dueIn();
      expect(await hold(30_000, 'retry_after')).toBe(false);
      expect(await dueIn()).toBeLessThanOrEqual(first);
      expect(await dueIn()).toBeGreaterThan(50_000);
      // Longer, it is the same hold; with another reason it is another one.
      expect(await hold(90_000, 'retry_after')).toBe(false);
      expect(await dueIn()).toBeGreaterThan(80_000);
      expect(await hold(120_000, 'circuit_open')).toBe(true);
      await change('DELETE FROM service_callback_holds WHERE endpoint_id = $1');
      await hold(60_000, 'retry_after');
      expect(await store.holds.releaseDue()).toEqual([]);
      await change('UPDATE service_callback_holds SET next_probe_at = now() WHERE endpoint_id = $1');
      expect(await store.holds.releaseDue()).toEqual([
        {
          endpointId: endpoint.id,
          reason: 'retry_after',
          endpoint: expect.objectContaining({ endpointId: endpoint.id }),
        },
      ]);
    });

    it('Retry-After delays the next probe of an open circuit, and changes nothing else of it', async () => {
      const known = await probing();
      const find = () => store.dataSource.query<object[]>('SELECT * FROM service_callback_holds');
      await hold(600_000);
      const [before] = await find();
      expect(await hold(HOUR_MS, 'retry_after')).toBe(false);
      expect(await store.holds.notLifted()).toMatchObject([
        { reason: 'circuit_open', due_in_ms: expect.closeTo(HOUR_MS, -5) },
      ]);
      expect(await hold(60_000, 'retry_after')).toBe(false);
      const [after] = await find();
      const next = expect.any(Date);
      expect(after).toEqual({ ...before, next_probe_at: next, probe_id: known.id });
      expect((await store.holds.notLifted())[0]?.due_in_ms).toBeGreaterThan(HOUR_MS / 2);
    });

    it('a hold by Retry-After has no probes', async () => {
      await hold(0, 'retry_after');
      const known = await store.pending(endpoint);
      await store.take();
      expect((await store.row(known)).state).toBe('held');
      expect(await store.takeHeld()).toEqual([]);
    });

    it('a hold with nothing held ends when its probe is due, and takes no other’s place', async () => {
      const empty = endpoint;
      await hold();
      await disableEndpoint();
      endpoint = await store.endpoint();
      const { id } = await states.held();
      expect(await store.holds.releaseDue()).toEqual([
        { endpointId: empty.id, reason: 'circuit_open', endpoint: null },
      ]);
      expect(await store.takeHeld({ probes: 1 })).toMatchObject([{ id, is_probe: true }]);
      await store.holds.releaseDue();
      expect(await store.holds.notLifted()).toMatchObject([{ endpoint_id: endpoint.id, state: 'open' }]);
      // Only an attempt that began later opens it again.
      endpoint = empty;
      expect(await hold(HOUR_MS, 'circuit_open', 60_000)).toBe(false);
      expect(await hold(HOUR_MS)).toBe(true);
      expect(await store.holds.releaseDue()).toEqual([]);
    });

    it('a hold whose only callback is being sent as its probe stays', async () => {
      const known = await probing();
      await change('UPDATE service_callback_holds SET next_probe_at = now() WHERE endpoint_id = $1');
      expect(await store.holds.releaseDue()).toEqual([]);
      await settle(known, HOLD, { attempt: attempt(1), isProbe: true });
      expect((await store.row(known.id)).state).toBe('held');
    });

    it('a callback that is held during the end of its hold is released', async () => {
      await hold();
      expect(await store.holds.releaseDue()).toHaveLength(1);
      const id = await store.pending(endpoint);
      expect(await store.take()).toMatchObject([{ id, state: 'held' }]);
      await store.holds.releaseDue();
      expect(await store.takeHeld()).toMatchObject([{ id, is_probe: false }]);
    });

    it('a hold ends when nothing waits behind it', async () => {
      const { id } = await states.held();
      await store.holds.lift(endpoint.id);
      await store.holds.releaseDue();
      expect(await store.holds.notLifted()).toMatchObject([{ endpoint_id: endpoint.id, state: 'releasing' }]);
      const [taken] = await store.takeHeld();
      await settle({ id, batch: taken?.batch ?? '' }, DELIVERED);
      await store.holds.releaseDue();
      expect(await store.holds.notLifted()).toEqual([]);
    });
  });

  describe('a callback that goes alone', () => {
    const RETURN_ALONE: Disposition = { kind: 'return', alone: true };

    async function takenAgain(id: string): Promise<Known> {
      const taken = await store.take();
      return { id, batch: taken.find((row) => row.id === id)?.batch ?? '' };
    }

    it('does so until an attempt of it is settled', async () => {
      const known = await store.queued(endpoint);
      await settle(known, RETURN_ALONE);
      expect(await store.row(known.id)).toMatchObject({ alone: true, stalls: 0 });
      const second = await takenAgain(known.id);
      await settle(second, { kind: 'retryAt', delayMs: 0, deferral: 'endpoint_busy' });
      expect((await store.row(known.id)).alone).toBe(true);
      const third = await takenAgain(known.id);
      await settle(third, RETURN);
      expect((await store.row(known.id)).alone).toBe(true);
      const fourth = await takenAgain(known.id);
      await settle(fourth, DUE, { attempt: attempt(1) });
      expect((await store.row(known.id)).alone).toBe(false);
    });

    it('counts attempts that were begun and not settled', async () => {
      const known = await store.queued(endpoint);
      const mark = ({ id, batch }: Known) => store.callbacks.markAttempt(id, batch);
      expect(await mark(known)).toBe(1);
      expect(await mark(known)).toBe(2);
      await settle(known, { kind: 'retryAt', delayMs: 0, deferral: 'platform_fault' });
      const again = await takenAgain(known.id);
      expect(await mark(again)).toBe(3);
      await settle(again, DUE, { attempt: attempt(1) });
      expect(await mark(await takenAgain(known.id))).toBe(1);
    });

    it('counts none in another batch, or once it is settled', async () => {
      const known = await store.queued(endpoint);
      expect(await store.callbacks.markAttempt(known.id, randomUUID())).toBe(0);
      await settle(known, DELIVERED, { attempt: attempt(1, 200) });
      expect(await store.callbacks.markAttempt(known.id, known.batch)).toBe(0);
      expect((await store.row(known.id)).stalls).toBe(0);
    });
  });

  describe('the open callbacks of a batch', () => {
    it('are those that are still queued in it, with their endpoints as they are now', async () => {
      const news = Array.from({ length: 4 }, () => store.newCallback(endpoint));
      await store.callbacks.insert(news);
      const [settledOne, ...open] = await store.take();
      const { batch = '' } = settledOne ?? {};
      await settle({ id: settledOne?.id ?? '', batch }, RETRY);
      await change(`UPDATE service_callback_apis SET url = 'https://moved.example/' WHERE id = $1`);
      const ids = news.map(({ id }) => id);
      const found = await store.callbacks.openOfBatch(batch, ids);
      expect(found.map(({ id }) => id).toSorted()).toEqual(open.map(({ id }) => id).toSorted());
      for (const row of found)
        expect(row).toMatchObject({ url: 'https://moved.example/', is_deleted: false, is_disabled: false });
      expect(await store.callbacks.openOfBatch(randomUUID(), ids)).toEqual([]);
      expect((await store.callbacks.idsOfBatch(batch)).toSorted()).toEqual(
        open.map(({ id }) => id).toSorted(),
      );
    });

    it('show whether their endpoint is deleted or disabled', async () => {
      const known = await store.queued(endpoint);
      await disableEndpoint();
      const open = () => store.callbacks.openOfBatch(known.batch, [known.id]);
      expect(await open()).toMatchObject([{ is_deleted: false, is_disabled: true }]);
      await deleteEndpoint();
      expect(await open()).toMatchObject([{ is_deleted: true, is_disabled: false, url: endpoint.url }]);
    });

    it('are found by the sweep once their batch is old', async () => {
      const [old, recent] = [await store.queued(endpoint), await store.queued(endpoint)];
      await store.change(old.id, `batched_at = now() - interval '11 seconds'`);
      expect(await store.callbacks.oldBatches(10_000, 10)).toEqual([old.batch]);
      await settle(old, RETRY);
      expect(await store.callbacks.oldBatches(10_000, 10)).toEqual([]);
      expect(await store.callbacks.oldBatches(0, 10)).toEqual([recent.batch]);
    });

    it('are found batch by batch, however many there are', async () => {
      const batches: string[] = [];
      for (let count = 0; count < 3; count += 1) batches.push((await store.queued(endpoint)).batch);
      batches.sort();
      expect(await store.callbacks.oldBatches(0, 2)).toEqual(batches.slice(0, 2));
      expect(await store.callbacks.oldBatches(0, 2, batches[1])).toEqual(batches.slice(2));
    });
  });

  describe('giving up without a worker', () => {
    it('is limited to one endpoint, and to a number', async () => {
      const other = await store.pending(await store.endpoint());
      await store.callbacks.insert(Array.from({ length: 5 }, () => store.newCallback(endpoint)));
      expect(await store.callbacks.giveUpWaiting(endpoint.id, 'disabled', 3)).toHaveLength(3);
      const last = await store.callbacks.giveUpWaiting(endpoint.id, 'disabled', 3);
      expect(last).toHaveLength(2);
      for (const { id } of last)
        expect(await store.row(id)).toMatchObject({ reason: 'disabled', finished_at: expect.any(Date) });
      expect((await store.row(other)).state).toBe('pending');
    });

    it('shows the last attempt', async () => {
      const known = await store.queued(endpoint);
      await settle(known, DUE, { attempt: attempt(1) });
      const [row] = await store.callbacks.giveUpWaiting(endpoint.id, 'cancelled', 1);
      expect(row).toMatchObject({ id: known.id, attempt_count: 1, last_attempt: attempt(1) });
    });

    it('by age is limited to the oldest', async () => {
      const young = await states.scheduled();
      const old: string[] = [];
      for (const days of [4, 6, 5]) {
        const { id } = await states.scheduled();
        await store.change(id, `generation_at = now() - interval '${days} days'`);
        old.push(id);
      }
      const expired = async () =>
        (await store.callbacks.expire(3 * 24 * HOUR_MS, 2)).map(({ id }) => id).toSorted();
      expect(await expired()).toEqual([old[1] ?? '', old[2] ?? ''].toSorted());
      expect(await expired()).toEqual([old[0]]);
      expect(await expired()).toEqual([]);
      expect((await store.row(young.id)).state).toBe('scheduled');
      expect(await store.row(old[0] ?? '')).toMatchObject({ reason: 'expired', next_attempt_at: null });
    });
  });

  describe('a replay', () => {
    it('starts the next generation: its retries begin anew, its history stays', async () => {
      const known = await store.queued(endpoint);
      await store.callbacks.markAttempt(known.id, known.batch);
      await settle(known, GIVE_UP, { attempt: attempt(1, 404) });
      const before = await store.row(known.id);
      expect(await store.callbacks.replay([known.id], 10)).toEqual([known.id]);
      const { generation_at: generationAt, ...after } = await store.row(known.id);
      expect(after).toMatchObject({
        state: 'pending',
        reason: null,
        detail: null,
        finished_at: null,
        generation: 1,
        earlier_attempts: 1,
        attempt_count: 1,
        attempts: [attempt(1, 404)],
        stalls: 0,
        priority: 10,
        queued_at: before.queued_at,
      });
      expect(after.seq).toBeGreaterThan(before.seq);
      expect(generationAt.getTime()).toBeGreaterThan(before.generation_at.getTime());
    });

    it('needs the payload', async () => {
      const known = await settled(GIVE_UP);
      await store.dataSource.query('DELETE FROM service_callback_payloads');
      expect(await store.callbacks.replay([known.id], 10)).toEqual([]);
      expect((await store.row(known.id)).state).toBe('given_up');
    });

    it('requested twice at once starts one generation', async () => {
      for (let round = 0; round < 10; round += 1) {
        const known = await settled(DELIVERED);
        const replayed = await Promise.all([1, 2, 3].map(() => store.callbacks.replay([known.id], 10)));
        expect(replayed.flat()).toEqual([known.id]);
        expect((await store.row(known.id)).generation).toBe(1);
      }
    });
  });

  describe('a record of an older release', () => {
    const foreign = {
      service_id: 'a-service',
      endpoint_id: null,
      callback_type: 'complaint',
      subject_id: 'a-subject',
      url: 'https://a.example/',
      detail: null,
      generation: 2,
      attempts: [attempt(1), attempt(2)],
      earlier_attempts: 1,
      queued_at: Date.parse('2026-03-01T12:00:00Z'),
      trace: null,
    } as const;

    it('is pending, with its history', async () => {
      const record = {
        ...foreign,
        id: randomUUID(),
        state: 'pending',
        reason: null,
        payload: 'sealed',
      } as const;
      expect(await store.callbacks.record(record)).toBe(true);
      expect(await store.row(record.id)).toMatchObject({
        state: 'pending',
        generation: 2,
        attempt_count: 2,
        earlier_attempts: 1,
        attempts: foreign.attempts,
        payload: 'sealed',
        queued_at: new Date(foreign.queued_at),
      });
    });

    it('is given up if it cannot be read', async () => {
      const record = {
        ...foreign,
        id: randomUUID(),
        state: 'given_up',
        reason: 'unreadable',
        payload: null,
      } as const;
      await store.callbacks.record(record);
      expect(await store.row(record.id)).toMatchObject({
        state: 'given_up',
        reason: 'unreadable',
        payload: null,
      });
    });

    it('that exists already stays unchanged', async () => {
      const known = await states.delivered();
      const before = await store.row(known.id);
      const record = {
        ...foreign,
        id: known.id,
        state: 'pending',
        reason: null,
        payload: 'another',
      } as const;
      expect(await store.callbacks.record(record)).toBe(false);
      expect(await store.row(known.id)).toEqual(before);
    });
  });
});
