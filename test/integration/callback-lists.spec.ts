import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CallbackTypeRegistry } from '../../src/service-callbacks/callback-types/callback-type-registry.js';
import { payloadBinding, type AttemptRecord } from '../../src/service-callbacks/callbacks/callback.js';
import { CallbackListRepository } from '../../src/service-callbacks/history/callback-list.repository.js';
import { CallbackLogReader } from '../../src/service-callbacks/history/callback-log.reader.js';
import { DeadLetterRepository } from '../../src/service-callbacks/history/dead-letter.repository.js';
import {
  LOG_STATES,
  type LogFilter,
  type LogScope,
  type LogState,
} from '../../src/service-callbacks/history/records.js';
import { ReplayRunRepository } from '../../src/service-callbacks/replay/replay-run.repository.js';
import { CallbackBodyReader } from '../../src/service-callbacks/reporting/callback-body.reader.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import type { Disposition } from '../../src/service-callbacks/callbacks/state-machine.js';
import type { DeliveryLogOptions } from '../../src/service-callbacks/service-callbacks.options.js';
import { RecordStore, type StoredEndpoint } from '../support/record-store.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const GIVE_UP: Disposition = { kind: 'giveUp', reason: 'not_retried' };

function attempt(second: number, statusCode: number, excerpt?: string): AttemptRecord {
  return {
    at: new Date(NOON + second * 1_000).toISOString(),
    duration_ms: 7,
    status_code: statusCode,
    ...(excerpt !== undefined && { excerpt }),
  };
}

describe('the lists of callbacks', () => {
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

  const reader = (keep: DeliveryLogOptions['keep'] = 'all') =>
    new CallbackLogReader(new CallbackListRepository(store.dataSource, { keep, retentionDays: 30 }));

  /** @returns the id of a callback that was queued this many seconds after noon, and its state */
  async function callback(
    second: number,
    disposition?: Disposition,
    ...attempts: readonly AttemptRecord[]
  ): Promise<string> {
    const id = await store.pending(endpoint, { queued_at: NOON + second * 1_000 });
    if (!disposition) return id;
    const [taken] = await store.take();
    const settlement = { id, endpointId: endpoint.id, batch: taken?.batch ?? '', generation: 0 };
    const last = attempts.at(-1);
    for (const one of attempts.slice(0, -1))
      await store.callbacks.settle([{ ...settlement, batch: randomUUID(), disposition, attempt: one }]);
    await store.callbacks.settle([{ ...settlement, disposition, ...(last && { attempt: last }) }]);
    return id;
  }

  const listed = async (scope: LogScope, filter: LogFilter = {}, limit?: number) =>
    (await reader().list(scope, filter, undefined, limit)).callbacks.map(({ id }) => id);

  /** One callback in each shown state, with the steps that lead there. */
  async function oneOfEach(): Promise<Record<LogState, readonly string[]>> {
    const delivered = await callback(1, { kind: 'delivered' }, attempt(2, 200));
    const retrying = await callback(2, { kind: 'retryAt', delayMs: 60_000 }, attempt(3, 503));
    const deferred = await callback(3, { kind: 'retryAt', delayMs: 60_000, deferral: 'endpoint_busy' });
    const givenUp = await callback(4, GIVE_UP, attempt(5, 404));
    await store.holds.open(endpoint.id, 'circuit_open', 60_000, 0);
    const held = await callback(5);
    await store.take();
    await store.dataSource.query('DELETE FROM service_callback_holds');
    const queued = await callback(6);
    await store.take();
    const pending = await callback(7);
    return {
      delivered: [delivered],
      retrying: [retrying],
      deferred: [held, deferred],
      given_up: [givenUp],
      waiting: [pending, queued],
    };
  }

  it('show each state by itself, and all states newest first', async () => {
    const ids = await oneOfEach();
    for (const state of LOG_STATES) {
      expect([state, await listed('all', { state })]).toEqual([state, ids[state]]);
      const page = await reader().list({ serviceId: endpoint.serviceId }, { state });
      expect(page.callbacks.map((one) => one.state)).toEqual(ids[state].map(() => state));
    }
    expect(await listed('all')).toEqual([
      ...ids.waiting,
      ...ids.deferred.slice(0, 1),
      ...ids.given_up,
      ...ids.deferred.slice(1),
      ...ids.retrying,
      ...ids.delivered,
    ]);
  });

  it('show all callbacks to operators, and to a service only its own', async () => {
    const mine = await callback(1);
    const myEndpoint = endpoint;
    endpoint = await store.endpoint();
    const theirs = await callback(2);
    expect(await listed('all')).toEqual([theirs, mine]);
    expect(await listed('all', { callbackApiId: endpoint.id })).toEqual([theirs]);
    const scope = { serviceId: myEndpoint.serviceId };
    expect(await listed(scope)).toEqual([mine]);
    expect(await listed(scope, { callbackApiId: myEndpoint.id })).toEqual([mine]);
    expect(await listed(scope, { callbackApiId: endpoint.id })).toEqual([]);
    expect(await reader().find(scope, theirs)).toBeNull();
    expect(await reader().find({ serviceId: endpoint.serviceId }, theirs)).toMatchObject({ id: theirs });
  });

  it('can be filtered by a subject, and by a span of time', async () => {
    const ids = [];
    for (let second = 0; second < 6; second += 1) ids.push(await callback(second));
    await store.change(ids[2] ?? '', `subject_id = 'the subject'`);
    expect(await listed('all', { subjectId: 'the subject' })).toEqual([ids[2]]);
    const at = (second: number) => new Date(NOON + second * 1_000);
    expect(await listed('all', { since: at(4) })).toEqual([ids[5], ids[4]]);
    expect(await listed('all', { until: at(2) })).toEqual([ids[1], ids[0]]);
    expect(await listed('all', { since: at(2), until: at(4) })).toEqual([ids[3], ids[2]]);
  });

  it('have pages, also if many were queued at the same moment', async () => {
    const news = Array.from({ length: 25 }, (_, index) =>
      store.newCallback(endpoint, { queued_at: NOON + Math.floor(index / 10) }),
    );
    await store.callbacks.insert(news);
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let page = await reader().list('all', {}, undefined, 4); ;) {
      seen.push(...page.callbacks.map(({ id }) => id));
      sizes.push(page.callbacks.length);
      if (!page.next) break;
      page = await reader().list('all', {}, page.next, 4);
    }
    expect(sizes).toEqual([4, 4, 4, 4, 4, 4, 1]);
    expect(new Set(seen).size).toBe(25);
    const times = new Map(news.map(({ id, queued_at: at }) => [id, at]));
    expect(seen.map((id) => times.get(id))).toEqual(
      news.map(({ queued_at: at }) => at).toSorted((one, other) => other - one),
    );
  });

  it('show how late the first attempt started', async () => {
    const id = await callback(0, { kind: 'retryAt', delayMs: 0, deferral: 'endpoint_busy' });
    expect(await reader().find('all', id)).toMatchObject({
      state: 'deferred',
      detail: 'endpoint_busy',
      forwardMs: null,
      firstAttemptAt: null,
    });
    const [taken] = await store.take();
    const settlement = { id, endpointId: endpoint.id, batch: taken?.batch ?? '', generation: 0 };
    await store.callbacks.settle([
      { ...settlement, disposition: { kind: 'delivered' }, attempt: attempt(0.9, 200) },
    ]);
    expect(await reader().find('all', id)).toMatchObject({
      state: 'delivered',
      detail: null,
      forwardMs: 900,
      firstAttemptAt: new Date(NOON + 900),
      lastStatus: 200,
      lastError: null,
      nextAttemptAt: null,
    });
    const cancelled = await callback(0, { kind: 'giveUp', reason: 'cancelled' });
    expect(await reader().find('all', cancelled)).toMatchObject({
      state: 'given_up',
      reason: 'cancelled',
      forwardMs: null,
    });
  });

  it('show a callback with its attempts, oldest first, in any order of writing', async () => {
    const id = await callback(
      0,
      { kind: 'retryAt', delayMs: 60_000 },
      attempt(9, 503, 'late'),
      attempt(1, 502, 'early'),
    );
    const found = await reader().find('all', id);
    expect(found?.attempts.map(({ statusCode, excerpt }) => [statusCode, excerpt])).toEqual([
      [502, 'early'],
      [503, 'late'],
    ]);
    expect(found).toMatchObject({ attemptCount: 2, nextAttemptAt: expect.any(Date), hasPayload: true });
    expect(await reader().find('all', randomUUID())).toBeNull();
  });

  it('can be filtered by a type, a reason, or one replay of many', async () => {
    const complaint = await store.pending(endpoint, { callback_type: 'complaint', queued_at: NOON });
    const rejected = await callback(1, GIVE_UP, attempt(2, 404));
    const exhausted = await callback(2, { kind: 'giveUp', reason: 'retries_exhausted' }, attempt(3, 503));
    expect(await listed('all', { callbackType: 'complaint' })).toEqual([complaint]);
    expect(await listed('all', { reason: 'not_retried' })).toEqual([rejected]);
    expect(await listed('all', { reason: 'not_retried', state: 'given_up' })).toEqual([rejected]);
    expect(await listed('all', { reason: 'not_retried', state: 'delivered' })).toEqual([]);
    const runs = new ReplayRunRepository(store.dataSource);
    const scope = { serviceId: endpoint.serviceId };
    const { id: replayId } = await runs.start(scope, { reason: 'retries_exhausted' });
    expect(await listed('all', { replayId })).toEqual([exhausted]);
    expect(await reader().find('all', exhausted)).toMatchObject({ replayRequestedAt: expect.any(Date) });
    const letters = new DeadLetterRepository(store.dataSource);
    const waiting = await letters.list(scope, { isReplayRequested: false }, 10);
    expect(waiting.map(({ id }) => id)).toEqual([rejected]);
  });

  it('are replayed, and counted before, where they have an endpoint that is enabled', async () => {
    const runs = new ReplayRunRepository(store.dataSource);
    const ends: string[] = [];
    for (const change of [
      undefined,
      `UPDATE service_callback_apis SET disabled_at = now(), disabled_reason = 'by_hand' WHERE id = $1`,
      'DELETE FROM service_callback_apis WHERE id = $1',
    ]) {
      endpoint = await store.endpoint();
      ends.push(await callback(1, GIVE_UP, attempt(2, 404)), await callback(2, { kind: 'delivered' }));
      if (change !== undefined) await store.dataSource.query(change, [endpoint.id]);
    }
    expect([await runs.preview('all', {}), await runs.preview('all', {}, 1)]).toEqual([2, 1]);
    const { id, total } = await runs.start('all', {});
    expect(total).toBe(2);
    expect(new Set(await listed('all', { replayId: id }))).toEqual(new Set(ends.slice(0, 2)));
  });

  it('show when a held callback’s endpoint gets its next attempt, and whether it is deleted', async () => {
    await store.holds.open(endpoint.id, 'circuit_open', 60_000, 0);
    const held = await callback(1);
    await store.take();
    const [shown] = (await reader().list('all')).callbacks;
    expect(shown).toMatchObject({ id: held, state: 'deferred', isEndpointDeleted: false });
    const ms = (shown?.nextAttemptAt?.getTime() ?? 0) - Date.now();
    expect([ms > 50_000, ms <= 60_000]).toEqual([true, true]);
    expect((await reader().find('all', held))?.nextAttemptAt).toEqual(shown?.nextAttemptAt);
    await store.dataSource.query('DELETE FROM service_callback_apis');
    expect((await reader().list('all')).callbacks[0]).toMatchObject({ isEndpointDeleted: true });
  });

  it('show when a callback was given up, and when it was replayed', async () => {
    const id = await callback(0, GIVE_UP, attempt(1, 404));
    expect(await reader().find('all', id)).toMatchObject({ finishedAt: expect.any(Date), replayedAt: null });
    await store.callbacks.replay([id], 10);
    expect(await reader().find('all', id)).toMatchObject({ finishedAt: null, replayedAt: expect.any(Date) });
  });

  describe('show the body of one', () => {
    const cipher = new PayloadCipher([`k:${Buffer.alloc(32, 7).toString('base64')}`]);
    const identify = () => ({ serviceId: 'a', subjectId: 'b' });
    const types = new CallbackTypeRegistry([
      {
        from: 'this test',
        types: [
          { type: 'parcel', identify, payload: () => ({}) },
          { type: 'open_parcel', identify, payload: () => ({}), personalFields: ['name'] },
        ],
      },
    ]);
    const bodies = () =>
      new CallbackBodyReader(
        new CallbackListRepository(store.dataSource, { keep: 'all', retentionDays: 30 }),
        types,
        cipher,
      );

    async function stored(callbackType: string, document: object): Promise<string> {
      const id = await store.pending(endpoint, { callback_type: callbackType });
      const sealed = cipher.encrypt(JSON.stringify(document), payloadBinding(id));
      await store.dataSource.query('UPDATE service_callback_payloads SET payload = $2 WHERE id = $1', [
        id,
        sealed,
      ]);
      return id;
    }

    const read = async (callbackType: string, document: object, showsPersonal: boolean) => {
      const id = await stored(callbackType, document);
      return bodies().read(endpoint.serviceId, { id, callbackType }, showsPersonal);
    };

    it.each([
      ['delivery_status', { id: 'x', to: 'a@b.example' }, { id: 'x', to: '[masked]' }, ['to']],
      [
        'inbound_sms',
        { source_number: '44', message: 'hi' },
        { source_number: '[masked]', message: '[masked]' },
        ['source_number', 'message'],
      ],
      ['complaint', { to: null, complaint_id: 'c' }, { to: null, complaint_id: 'c' }, []],
      ['parcel', { name: 'Ada', weight: 3 }, { name: '[masked]', weight: '[masked]' }, ['name', 'weight']],
      ['open_parcel', { name: { first: 'Ada' }, weight: 3 }, { name: '[masked]', weight: 3 }, ['name']],
    ])('with the personal data of %s masked', async (callbackType, document, expected, maskedFields) => {
      const masked = await read(callbackType, document, false);
      expect(masked).toMatchObject({ kind: 'kept', maskedFields });
      expect(masked.kind === 'kept' && JSON.parse(masked.text)).toEqual(expected);
      const whole = await read(callbackType, document, true);
      expect(whole).toMatchObject({ kind: 'kept', text: JSON.stringify(document), maskedFields: [] });
    });

    it('only to its own service, while it is kept and its key exists', async () => {
      const id = await stored('delivery_status', { to: 'a@b.example' });
      const which = { id, callbackType: 'delivery_status' };
      expect(await bodies().read('another', which, true)).toEqual({ kind: 'not_kept' });
      const unread = await callback(1);
      expect(await bodies().read(endpoint.serviceId, { ...which, id: unread }, true)).toEqual({
        kind: 'unreadable',
      });
      await store.dataSource.query('DELETE FROM service_callback_payloads');
      expect(await bodies().read(endpoint.serviceId, which, true)).toEqual({ kind: 'not_kept' });
    });
  });

  it('show no payload', async () => {
    const id = await callback(0);
    const shown = JSON.stringify([await reader().find('all', id), await reader().list('all')]);
    expect(shown).not.toContain('sealed-payload');
  });

  describe('that leave out', () => {
    it('callbacks that got a 2xx at once', async () => {
      const atOnce = await callback(0, { kind: 'delivered' }, attempt(1, 200));
      const later = await callback(1, { kind: 'delivered' }, attempt(2, 503), attempt(3, 200));
      const givenUp = await callback(2, GIVE_UP, attempt(3, 404));
      const failures = reader('failures');
      expect((await failures.list('all')).callbacks.map(({ id }) => id)).toEqual([givenUp, later]);
      expect(await failures.find('all', atOnce)).toBeNull();
      expect(await failures.find('all', later)).toMatchObject({ id: later });
    });

    it('every delivered callback', async () => {
      const delivered = await callback(1, { kind: 'delivered' }, attempt(2, 503), attempt(3, 200));
      const givenUp = await callback(2, GIVE_UP, attempt(3, 404));
      const waiting = await callback(3);
      const off = reader('off');
      expect((await off.list('all')).callbacks.map(({ id }) => id)).toEqual([waiting, givenUp]);
      expect(await off.find('all', delivered)).toBeNull();
    });
  });

  describe('of dead letters', () => {
    const letters = () => new DeadLetterRepository(store.dataSource);
    const scope = () => ({ serviceId: endpoint.serviceId });

    it('have pages, also if many ended in one statement', async () => {
      await store.callbacks.insert(Array.from({ length: 23 }, () => store.newCallback(endpoint)));
      await store.callbacks.giveUpWaiting(endpoint.id, 'disabled', 1_000);
      const seen: string[] = [];
      for (let page = await letters().list(scope(), {}, 5); page.length > 0;) {
        seen.push(...page.map(({ id }) => id));
        const last = page.at(-1);
        if (!last) break;
        page = await letters().list(scope(), {}, 5, { givenUpAt: last.givenUpAt, id: last.id });
      }
      expect(seen).toHaveLength(23);
      expect(new Set(seen).size).toBe(23);
    });

    it('show whether a dead letter can be replayed', async () => {
      const [kept, without] = [await callback(0, GIVE_UP, attempt(1, 404)), await callback(1, GIVE_UP)];
      await store.dataSource.query('DELETE FROM service_callback_payloads WHERE id = $1', [without]);
      const found = await letters().list(scope(), {}, 10);
      expect(found.map(({ id, hasPayload }) => [id, hasPayload])).toEqual([
        [without, false],
        [kept, true],
      ]);
      expect(await letters().countReplayable(scope(), {})).toBe(1);
      expect(await letters().count(scope(), {}, 1)).toBe(1);
      expect(await letters().remove(endpoint.serviceId, kept)).toBe(true);
      expect(await letters().remove(endpoint.serviceId, kept)).toBe(false);
      expect(await letters().find(endpoint.serviceId, kept)).toBeNull();
      expect(await store.row(kept)).toMatchObject({ state: 'given_up', payload: null });
      // Its history stays.
      expect(await reader().find('all', kept)).toMatchObject({ state: 'given_up', attemptCount: 1 });
    });

    it('can be filtered by an endpoint, a reason and a span of time, for one service', async () => {
      const first = await callback(0, GIVE_UP);
      const second = await callback(1, { kind: 'giveUp', reason: 'retries_exhausted' });
      const of = async (filter: object, whose: LogScope = scope()) =>
        (await letters().list(whose, filter, 10)).map(({ id }) => id);
      expect(await of({ reason: 'retries_exhausted' })).toEqual([second]);
      expect(await of({ callbackApiId: endpoint.id })).toEqual([second, first]);
      expect(await of({ callbackApiId: randomUUID() })).toEqual([]);
      expect(await of({ ids: [first] })).toEqual([first]);
      const { finished_at: at } = await store.row(second);
      expect(await of({ since: at })).toEqual([second]);
      expect(await of({ until: at })).toEqual([first]);
      expect(await of({}, { serviceId: 'another' })).toEqual([]);
      expect(await of({}, 'all')).toEqual([second, first]);
    });

    it('remove a bounded number at once', async () => {
      await store.callbacks.insert(Array.from({ length: 7 }, () => store.newCallback(endpoint)));
      await store.callbacks.giveUpWaiting(endpoint.id, 'disabled', 1_000);
      expect(await letters().removeSome(scope(), {}, 5)).toBe(5);
      expect(await letters().removeSome(scope(), {}, 5)).toBe(2);
    });
  });
});
