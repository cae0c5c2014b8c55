import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Disposition, Settlement } from '../../src/service-callbacks/callbacks/state-machine.js';
import { Settler } from '../../src/service-callbacks/delivery/settler.js';
import { eventually } from '../support/eventually.js';
import { startForwarder, type Forwarder } from '../support/faults/forwarder.js';
import { captureNestLogs, type NestLogLine } from '../support/nest-logs.js';
import { RecordStore, type StoredEndpoint } from '../support/record-store.js';

const DELIVERED: Disposition = { kind: 'delivered' };
const RETRY: Disposition = { kind: 'retryAt', delayMs: 60_000 };

describe('the settler', () => {
  let store: RecordStore;
  let endpoint: StoredEndpoint;
  let forwarder: Forwarder;
  let databasePort: number;
  let settler: Settler;
  let logs: NestLogLine[];
  /** The ids of each statement, also of a failed one. */
  let statements: string[][];

  beforeAll(async () => {
    store = await RecordStore.open(async (url) => {
      const route = new URL(url);
      databasePort = Number(route.port);
      forwarder = await startForwarder(databasePort);
      route.port = String(forwarder.port);
      return route.href;
    });
    const settle = store.callbacks.settle.bind(store.callbacks);
    store.callbacks.settle = (settlements) => {
      statements.push(settlements.map(({ id }) => id));
      return settle(settlements);
    };
  });

  beforeEach(async () => {
    logs = captureNestLogs();
    statements = [];
    await store.clear();
    endpoint = await store.endpoint();
    settler = new Settler(store.callbacks);
  });

  afterEach(async () => {
    await forwarder.up(databasePort);
    await settler.stop();
  });

  afterAll(async () => {
    await store.close();
    await forwarder.down();
  });

  /** Inserts callbacks and takes them into batches. */
  async function queued(count: number): Promise<{ readonly id: string; readonly batch: string }[]> {
    await store.callbacks.insert(Array.from({ length: count }, () => store.newCallback(endpoint)));
    const taken: { id: string; batch: string }[] = [];
    while (taken.length < count) taken.push(...(await store.take({ pending: 2_000 })));
    return taken.map(({ id, batch }) => ({ id, batch }));
  }

  const settlement = (
    known: { readonly id: string; readonly batch: string },
    disposition: Disposition = DELIVERED,
    minute = 1,
  ): Settlement => ({
    ...known,
    endpointId: endpoint.id,
    generation: 0,
    disposition,
    attempt: { at: new Date(minute * 60_000).toISOString(), duration_ms: 1, status_code: 200 },
  });

  const states = async () =>
    store.dataSource.query<{ state: string; count: number }[]>(
      'SELECT state, count(*)::int AS count FROM service_callbacks GROUP BY state ORDER BY state',
    );

  const events = () => logs.map(({ event }) => event);

  it('writes the results of all jobs together', async () => {
    const known = await queued(40);
    expect(await Promise.all(known.map((one) => settler.settle(settlement(one))))).toEqual(
      Array(40).fill('applied'),
    );
    expect(statements).toHaveLength(1);
    expect(await states()).toEqual([{ state: 'delivered', count: 40 }]);
  });

  it('writes a bounded number at once, and the others without a wait', async () => {
    const known = await queued(1_100);
    await Promise.all(known.map((one) => settler.settle(settlement(one))));
    expect(statements.map((ids) => ids.length)).toEqual([512, 512, 76]);
  });

  it('accepts a full statement beside the one under way: results beyond it keep their permits', async () => {
    const known = await queued(1_100);
    let accepted = 0;
    const settled = known.map((one) => settler.settle(settlement(one), () => (accepted += 1)));
    expect(accepted).toBe(1_024);
    expect(await Promise.all(settled)).toEqual(Array(1_100).fill('applied'));
  });

  it('writes a result while another statement is under way', async () => {
    const [held, free] = await queued(2);
    if (!held || !free) throw new Error('two callbacks are queued');
    const holder = store.dataSource.createQueryRunner();
    await holder.startTransaction();
    await holder.query('SELECT FROM service_callbacks WHERE id = $1 FOR UPDATE', [held.id]);
    const first = settler.settle(settlement(held));
    await eventually(async () => expect(statements).toHaveLength(1));
    const second = settler.settle(settlement(free));
    await holder.commitTransaction();
    await holder.release();
    expect(await Promise.all([first, second])).toEqual(['applied', 'applied']);
    expect(statements).toEqual([[held.id], [free.id]]);
  });

  it('reports a settlement that came too late, or without a record', async () => {
    const [known] = await queued(1);
    if (!known) throw new Error('a callback is queued');
    const missing = { id: randomUUID(), batch: randomUUID() };
    const settled = await Promise.all([
      settler.settle(settlement({ ...known, batch: randomUUID() }, RETRY)),
      settler.settle(settlement(missing)),
    ]);
    expect(settled).toEqual(['late', 'late']);
    expect(await store.row(known.id)).toMatchObject({ state: 'queued', attempt_count: 1 });
  });

  it('writes two settlements of one callback in order: the first stands', async () => {
    const [known, other] = await queued(2);
    if (!known || !other) throw new Error('two callbacks are queued');
    const settled = await Promise.all([
      settler.settle(settlement(known, RETRY, 1)),
      settler.settle(settlement(known, { kind: 'giveUp', reason: 'not_retried' }, 2)),
      settler.settle(settlement(other)),
    ]);
    expect(settled).toEqual(['applied', 'late', 'applied']);
    expect(statements.map((ids) => ids.length)).toEqual([2, 1]);
    expect(await store.row(known.id)).toMatchObject({ state: 'scheduled', attempt_count: 2 });
  });

  it('repeats what a deadlock rolled back', async () => {
    const known = (await queued(2)).toSorted((one, two) => (one.id < two.id ? -1 : 1));
    const [low, high] = known.map(({ id }) => id);
    const other = store.dataSource.createQueryRunner();
    await other.startTransaction();
    // The settler's statement is the one that looks for a deadlock first, and is rolled back.
    await other.query(`SET LOCAL deadlock_timeout = '1min'`);
    const lock = 'SELECT FROM service_callbacks WHERE id = $1 FOR UPDATE';
    await other.query(lock, [high]);
    const settled = Promise.all(known.map((one) => settler.settle(settlement(one))));
    await eventually(async () => {
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      expect(await store.dataSource.query(waiting)).toHaveLength(1);
    });
    await other.query(lock, [low]);
    await other.commitTransaction();
    await other.release();
    expect(await settled).toEqual(['applied', 'applied']);
    await eventually(async () => {
      const counted = 'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()';
      expect(await store.dataSource.query(counted)).toEqual([{ n: 1 }]);
    });
    expect(events()).toEqual([]);
  });

  it('keeps results while the database does not respond, and logs that once', async () => {
    const known = await queued(30);
    await forwarder.down();
    const settled = known.map((one) => settler.settle(settlement(one)));
    await eventually(async () => expect(statements.length).toBeGreaterThan(2));
    expect(await Promise.race([Promise.any(settled), Promise.resolve('waiting')])).toBe('waiting');
    await forwarder.up(databasePort);
    expect(await Promise.all(settled)).toEqual(Array(30).fill('applied'));
    expect(events()).toEqual(['store.unavailable', 'store.available']);
    expect(logs[0]?.level).toBe('error');
  });

  it('writes one attempt if a statement was interrupted', async () => {
    const [known] = await queued(1);
    if (!known) throw new Error('a callback is queued');
    const original = store.callbacks.settle.bind(store.callbacks);
    let failures = 0;
    // The statement is carried out, and its response is lost.
    store.callbacks.settle = async (settlements) => {
      const result = await original(settlements);
      failures += 1;
      if (failures === 1) throw Object.assign(new Error('Connection terminated unexpectedly'));
      return result;
    };
    try {
      expect(await settler.settle(settlement(known, RETRY))).toBe('late');
    } finally {
      store.callbacks.settle = original;
    }
    expect(await store.row(known.id)).toMatchObject({ state: 'scheduled', attempt_count: 1 });
  });

  it('finds what the database refuses among the others, names it, and writes the rest', async () => {
    const known = await queued(20);
    const bad = { id: 'no-uuid', batch: randomUUID() };
    const all = [...known.slice(0, 7), bad, ...known.slice(7)];
    const settled = await Promise.all(all.map((one) => settler.settle(settlement(one))));
    expect(settled.filter((one) => one === 'applied')).toHaveLength(20);
    expect(settled[7]).toBe('unwritten');
    expect(await states()).toEqual([{ state: 'delivered', count: 20 }]);
    expect(logs).toMatchObject([{ event: 'settlement.refused', callback_id: 'no-uuid', level: 'error' }]);
    expect(logs[0]).toMatchObject({ err: { message: expect.stringContaining('uuid') } });
  });

  describe('that stops', () => {
    it('writes what it has', async () => {
      const known = await queued(5);
      const settled = Promise.all(known.map((one) => settler.settle(settlement(one))));
      settler.prepareStop();
      await settler.stop();
      expect(await states()).toEqual([{ state: 'delivered', count: 5 }]);
      expect(await settled).toEqual(Array(5).fill('applied'));
    });

    it('writes settlements that come while it writes', async () => {
      const known = await queued(3);
      settler.prepareStop();
      const [first, ...later] = known.map((one) => settlement(one));
      if (!first) throw new Error('a callback is queued');
      const settled = [settler.settle(first)];
      await eventually(async () => expect(statements.length).toBeGreaterThan(0));
      settled.push(...later.map((one) => settler.settle(one)));
      await Promise.all(settled);
      await settler.stop();
      expect(await states()).toEqual([{ state: 'delivered', count: 3 }]);
    });

    it('waits a while for a database that does not respond, and reports what is not written', async () => {
      const known = await queued(3);
      await forwarder.down();
      const settled = Promise.all(known.map((one) => settler.settle(settlement(one))));
      await eventually(async () => expect(statements.length).toBeGreaterThan(0));
      settler.prepareStop();
      const startedAt = performance.now();
      await settler.stop();
      expect(performance.now() - startedAt).toBeLessThan(6_000);
      expect(await settled).toEqual(Array(3).fill('unwritten'));
      await forwarder.up(databasePort);
      expect(await states()).toEqual([{ state: 'queued', count: 3 }]);
    });
  });
});
