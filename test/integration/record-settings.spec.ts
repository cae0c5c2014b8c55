import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Maintenance } from '../../src/service-callbacks/operations/maintenance.js';
import { CallbackRepository } from '../../src/service-callbacks/callbacks/callback.repository.js';
import { ReplayRunRepository } from '../../src/service-callbacks/replay/replay-run.repository.js';
import { HoldRepository } from '../../src/service-callbacks/holds/hold.repository.js';
import { SafetySweep } from '../../src/service-callbacks/relay/safety-sweep.js';
import { EndpointReader } from '../../src/service-callbacks/reporting/endpoint.reader.js';
import { FiguresRepository } from '../../src/service-callbacks/reporting/figures.repository.js';
import { OverviewReader } from '../../src/service-callbacks/reporting/overview.reader.js';
import { ConsoleClient } from '../support/console-client.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  causeCallback,
  registerCallbackApi,
  type RegisteredCallbackApi,
  type SentCallback,
} from '../support/scenario.js';
import { startTestService, type RestApi, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';
import { readEverythingAsText } from '../support/type-parsers.js';

const OPERATOR = 'the-token-of-an-operator';
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What `ALTER DATABASE … SET` may have made the default of every connection. */
const SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_isolation', '"repeatable read"'],
  ['DateStyle', 'German'],
  ['DateStyle', '"SQL, DMY"'],
  ['IntervalStyle', 'sql_standard'],
  ['TimeZone', '"Asia/Kathmandu"'],
  ['bytea_output', 'escape'],
  ['extra_float_digits', '-15'],
  ['standard_conforming_strings', 'off'],
  ['search_path', 'app, public'],
  ['statement_timeout', "'5s'"],
  ['idle_in_transaction_session_timeout', "'2s'"],
];

describe.each(SETTINGS)('the record with %s = %s', (name, value) => {
  behavesAsEver(async (url) => {
    if (name === 'search_path') await query(url, 'CREATE SCHEMA app');
    await query(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET ${name} = ${value}`);
    return () => undefined;
  });
});

describe('the record with type parsers of pg that return only text', () => {
  behavesAsEver(() => Promise.resolve(readEverythingAsText()));
});

/** @param prepare is given the URL of an empty database. @returns what undoes it */
function behavesAsEver(prepare: (url: string) => Promise<() => void>): void {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let api: RestApi;
  let endpoint: RegisteredCallbackApi;
  let sent: Readonly<Record<'delivered' | 'retried' | 'givenUp', SentCallback>>;
  let startedAt: number;
  let undo = () => undefined as void;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    receiver = await startReceiver();
    undo = await prepare(database.url);
    service = await startTestService(database.url, { API_TOKENS: OPERATOR, CALLBACK_REPLAY_RATE: '1000' });
    const authorization = `Bearer ${OPERATOR}`;
    api = { ...service, call: (method, path, body) => service.call(method, path, body, { authorization }) };
    startedAt = Date.now();
    receiver.respond('/callbacks', [200, 503, 404, 200]);
    endpoint = await registerCallbackApi(api, { url: receiver.url('/callbacks') });
    const delivered = await causeCallback(api, endpoint.serviceId);
    await service.logs.waitForEnd(delivered.id);
    const retried = await causeCallback(api, endpoint.serviceId);
    await service.logs.waitFor('callback.retrying', { callback_id: retried.id });
    await receiver.waitForRequests(2, { path: '/callbacks' });
    // The next response may be the retry's: what gets it is given up, and the other one is delivered.
    const givenUp = await causeCallback(api, endpoint.serviceId);
    const ends = await Promise.all([retried, givenUp].map(({ id }) => service.logs.waitForEnd(id)));
    sent =
      ends[0]?.event === 'callback.delivered'
        ? { delivered, retried, givenUp }
        : { delivered, retried: givenUp, givenUp: retried };
  }, 60_000);

  afterAll(async () => {
    undo();
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  /** A time of this test, as JSON. */
  function expectNow(time: string | null | undefined): void {
    expect(time).toMatch(ISO);
    expect(Date.parse(time ?? '')).toBeGreaterThanOrEqual(startedAt - 1_000);
    expect(Date.parse(time ?? '')).toBeLessThanOrEqual(Date.now() + 1_000);
  }

  function expectTime(time: Date | null | undefined): void {
    expect(time).toBeInstanceOf(Date);
    expectNow(time?.toISOString());
  }

  it('shows the state of callbacks', async () => {
    const { status, body } = await callbacksOf(api, endpoint.serviceId).list();
    expect(status).toBe(200);
    expect(body.data.map(({ id }) => id).toSorted()).toEqual(
      Object.values(sent)
        .map(({ id }) => id)
        .toSorted(),
    );
    for (const { id, state, queued_at: queuedAt, ...rest } of body.data) {
      expect(state).toBe(id === sent.givenUp.id ? 'given_up' : 'delivered');
      expectNow(queuedAt);
      expectNow(rest.first_attempt_at);
      expectNow(rest.last_attempt_at);
      expect(rest.forward_ms).toBeGreaterThanOrEqual(0);
      expect(rest.forward_ms).toBeLessThan(30_000);
      expect(Date.parse(rest.first_attempt_at ?? '') - Date.parse(queuedAt)).toBe(rest.forward_ms);
    }
    const one = await callbacksOf(api, endpoint.serviceId).get(sent.givenUp.id);
    const { attempts = [] } = one.body.data;
    expect(attempts.at(-1)).toMatchObject({ status_code: 404 });
    for (const { at } of attempts) expectNow(at as string);
  });

  it('pages through them', async () => {
    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await callbacksOf(api, endpoint.serviceId).list({
        limit: '1',
        ...(cursor !== '' && { cursor }),
      });
      ids.push(...body.data.map(({ id }) => id));
      cursor = body.next_cursor;
    }
    expect(ids.toSorted()).toEqual(
      Object.values(sent)
        .map(({ id }) => id)
        .toSorted(),
    );
    const since = new Date(startedAt - 1_000).toISOString();
    expect((await callbacksOf(api, endpoint.serviceId).list({ since })).body.data).toHaveLength(3);
    expect((await callbacksOf(api, endpoint.serviceId).list({ until: since })).body.data).toEqual([]);
  });

  it('counts them', async () => {
    const { serviceId, id } = endpoint;
    const counted = async () => {
      const overview = await service.app.get(OverviewReader).read('all');
      const [hour] = overview.lastHour.filter(({ delivered }) => delivered > 0);
      expect(overview.lastHour.reduce((sum, { delivered }) => sum + delivered, 0)).toBeGreaterThanOrEqual(2);
      expect(hour?.at).toBeInstanceOf(Date);
      return overview;
    };
    await eventually(async () => void (await counted()));
    const overview = await counted();
    expect(overview).toMatchObject({
      processes: 1,
      droppedFacts: 0,
      inFlight: expect.any(Number),
      disabledEndpoints: 0,
    });
    expect(overview.oldestDueMs).toBeLessThan(30_000);
    expect(overview.lastDay.reduce((sum, { failed }) => sum + failed, 0)).toBeGreaterThanOrEqual(2);
    expect(overview.forwardDelay.hour.p99).toBeLessThan(60_000);
    const [summary] = overview.endpoints;
    expect(summary).toMatchObject({ callbackApiId: id, serviceId, warnedPercent: 0, disabledAt: null });
    expectTime(summary?.lastSuccessAt);
    expectTime(summary?.lastFailureAt);
    const figures = await service.app.get(EndpointReader).read('all', id);
    expect(figures).toMatchObject({ callbackApiId: id, backlog: 0, nextAt: null });
    expectTime(figures?.lastSuccessAt);
    expect(figures?.hours.at(-1)?.at).toBeInstanceOf(Date);
    expect(figures?.answerMs.p50).toBeLessThan(5_000);
    const health = await api.call('GET', `/service/${serviceId}/callback-api/${id}/health`);
    expect(health.status).toBe(200);
  });

  it('shows them in the console', async () => {
    const visitor = new ConsoleClient(service.url);
    expect((await visitor.signIn(OPERATOR)).status).toBe(303);
    const { serviceId, id } = endpoint;
    for (const path of [
      '/console',
      '/console/callbacks',
      '/console/dead-letters',
      `/console/services/${serviceId}/endpoints/${id}`,
      `/console/services/${serviceId}/callbacks/${sent.givenUp.id}`,
    ]) {
      const { status } = await visitor.get(path);
      expect([path, status]).toEqual([path, 200]);
    }
  });

  it('replays one and many', async () => {
    const letters = deadLettersOf(api, endpoint.serviceId);
    const [letter] = (await letters.list()).body.data;
    expect(letter?.id).toBe(sent.givenUp.id);
    expectNow(letter?.given_up_at);
    expect(await letters.replay(sent.givenUp.id)).toMatchObject({
      status: 202,
      body: { data: { queued: true } },
    });
    await service.logs.waitFor('callback.delivered', { callback_id: sent.givenUp.id });
    const runs = service.app.get(ReplayRunRepository);
    const { id, total } = await runs.start('all', { state: 'delivered' });
    expect(total).toBe(3);
    for (const { id: callbackId } of Object.values(sent))
      await service.logs.waitFor('callback.delivered', { callback_id: callbackId }, { count: 2 });
    const run = await runs.find('all', id);
    expect(run).toMatchObject({ id, total: 3, queued: 3, refused: 0, waiting: 0, stoppedAt: null });
    expectTime(run?.requestedAt);
    expectTime(run?.advancedAt);
    await query(
      database.url,
      `UPDATE service_callback_replays SET advanced_at = now() + interval '1 minute'`,
    );
    const stopped = await runs.start('all', { state: 'delivered' });
    expect((await runs.running('all')).map((running) => running.id)).toContain(stopped.id);
    expect(await runs.stop('all', stopped.id, new Date())).toBe(true);
    expectTime((await runs.find('all', stopped.id))?.stoppedAt);
  });

  it('holds an endpoint, and knows until when', async () => {
    const holds = service.app.get(HoldRepository);
    expect(await holds.open(endpoint.id, 'circuit_open', 3_600_000, 0)).toBe(true);
    const [hold] = await holds.notLifted();
    expect(hold?.due_in_ms).toBeGreaterThan(3_500_000);
    expect(hold?.due_in_ms).toBeLessThan(3_700_000);
    const [circuit] = await holds.circuits('all');
    expect(circuit).toMatchObject({ callbackApiId: endpoint.id, state: 'open', until: expect.any(Date) });
    const held = await causeCallback(api, endpoint.serviceId);
    await service.logs.waitFor('callback.deferred', { callback_id: held.id });
    const view = (await callbacksOf(api, endpoint.serviceId).get(held.id)).body.data;
    expect(view).toMatchObject({ state: 'deferred' });
    await holds.lift(endpoint.id);
    await service.logs.waitFor('callback.delivered', { callback_id: held.id });
  });

  it('carries many at once', async () => {
    const all = await Promise.all(Array.from({ length: 60 }, () => causeCallback(api, endpoint.serviceId)));
    const logged = all.map(({ id }) => service.logs.waitFor('callback.delivered', { callback_id: id }));
    expect(await Promise.all(logged)).toHaveLength(60);
  });

  it('is maintained and swept', async () => {
    await service.app.get(Maintenance).tidy();
    // As many processes at once, for all figures.
    const [figures, tomorrow] = [service.app.get(FiguresRepository), new Date(Date.now() + 86_400_000)];
    await Promise.all(Array.from({ length: 8 }, () => figures.prune(tomorrow, tomorrow)));
    await service.app.get(SafetySweep).sweep();
    expect(await service.app.get(CallbackRepository).oldestDueMs()).toBeLessThan(30_000);
  });

  it('logs no error', () => {
    expect(service.logs.errors()).toEqual([]);
  });
}
