import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EndpointReader } from '../../src/service-callbacks/reporting/endpoint.reader.js';
import { OverviewReader } from '../../src/service-callbacks/reporting/overview.reader.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { callbacksOf, type LoggedCallbackView } from '../support/delivery-log-api.js';
import { eventually } from '../support/eventually.js';
import { held } from '../support/held.js';
import { queueEnvironment } from '../support/queue-backend.js';
import { hang, startReceiver, status, type Receiver, type Scripted } from '../support/receiver.js';
import {
  causeCallback,
  createNotification,
  registerCallbackApi,
  sendReceipt,
  type RegisteredCallbackApi,
} from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('the delivery log', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      CALLBACK_MAX_RETRIES: '2',
      CALLBACK_CIRCUIT_FAILURES: '3',
      CALLBACK_CIRCUIT_OPEN_MS: '120000',
      CALLBACK_TIMEOUT_MS: '1000',
    });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  function register(path: string, script: Scripted | Scripted[]): Promise<RegisteredCallbackApi> {
    receiver.respond(path, script);
    return registerCallbackApi(service, { url: receiver.url(path) });
  }

  /** Resolves when the list shows it in this state. */
  async function logged(serviceId: string, id: string, state: string): Promise<LoggedCallbackView> {
    let found: LoggedCallbackView | undefined;
    await eventually(async () => {
      const { status: code, body } = await callbacksOf(service, serviceId).get(id);
      expect(code).toBe(200);
      found = body.data;
      expect(found.state).toBe(state);
    });
    return found as LoggedCallbackView;
  }

  /** First attempts whose delay the metric has. */
  async function forwardCount(): Promise<number> {
    const text = String((await service.call('GET', '/metrics')).body);
    return Number(/^service_callback_forward_duration_seconds_count\{.*\} (\d+)$/m.exec(text)?.[1]);
  }

  it('has a delivered callback with its one attempt', async () => {
    const api = await register('/ok', status(200, { body: 'thank you' }));
    const sent = await causeCallback(service, api.serviceId);
    const callback = await logged(api.serviceId, sent.id, 'delivered');
    expect(callback).toEqual({
      id: sent.id,
      service_id: api.serviceId,
      callback_api_id: api.id,
      callback_type: 'delivery_status',
      subject_id: sent.notificationId,
      url: api.url,
      state: 'delivered',
      reason: null,
      detail: null,
      generation: 0,
      attempts_made: 1,
      last_status_code: 200,
      last_error: null,
      queued_at: TIME,
      first_attempt_at: TIME,
      last_attempt_at: TIME,
      next_attempt_at: null,
      finished_at: TIME,
      replayed_at: null,
      replay_requested_at: null,
      forward_ms: expect.any(Number),
      has_payload: true,
      attempts: [{ at: TIME, duration_ms: expect.any(Number), status_code: 200 }],
    });
    expect(callback.forward_ms).toBe(
      Date.parse(callback.first_attempt_at ?? '') - Date.parse(callback.queued_at),
    );
  });

  it('has every attempt of a retried callback, with the response', async () => {
    const api = await register('/retried', [
      status(503, { headers: { server: 'nginx' }, body: 'down for\r\n\tmaintenance \u0007' }),
      500,
      status(200, { body: 'ok' }),
    ]);
    const { id } = await causeCallback(service, api.serviceId);
    const callback = await logged(api.serviceId, id, 'delivered');
    expect(callback).toMatchObject({ attempts_made: 3, last_status_code: 200, reason: null });
    expect(callback.attempts).toEqual([
      {
        at: TIME,
        duration_ms: expect.any(Number),
        status_code: 503,
        excerpt: 'down for maintenance \uFFFD',
        headers: expect.objectContaining({ server: 'nginx', date: expect.any(String) }),
      },
      { at: TIME, duration_ms: expect.any(Number), status_code: 500, headers: expect.any(Object) },
      { at: TIME, duration_ms: expect.any(Number), status_code: 200 },
    ]);
  });

  it('keeps a KiB of an echo, with the token and the payload masked', async () => {
    receiver.respond('/echo', ({ request, response }) => {
      const { authorization } = request.headers;
      const headers = { 'x-echo': `<${authorization}>`, 'set-cookie': 'session=of-theirs' };
      response.writeHead(400, headers).end(`${authorization} of someone@example.com: ${'é'.repeat(20_000)}`);
    });
    const api = await registerCallbackApi(service, { url: receiver.url('/echo') });
    const { id: notificationId } = await createNotification(service, api.serviceId, {
      to: 'someone@example.com',
    });
    const { callback } = await sendReceipt(service, notificationId);
    if (!callback.queued) throw new Error(callback.reason);
    const { reason, attempts } = await logged(api.serviceId, callback.id, 'given_up');
    expect(reason).toBe('not_retried');
    expect(attempts?.[0]?.['headers']).toMatchObject({ 'x-echo': '<Bearer […]>', 'set-cookie': '[…]' });
    const excerpt = String(attempts?.[0]?.['excerpt']);
    expect(excerpt).toMatch(/^Bearer \[…\] of \[…\]: é+$/);
    expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(1_024);
    expect(Buffer.byteLength(excerpt)).toBeGreaterThan(1_000);
    // Only this view has the excerpt.
    const letter = await deadLettersOf(service, api.serviceId).get(callback.id);
    expect(JSON.stringify(letter.body)).not.toContain('é');
  });

  it('has a callback that was given up, with the error if there was no response', async () => {
    const api = await register('/hangs', hang());
    const { id } = await causeCallback(service, api.serviceId);
    expect(await logged(api.serviceId, id, 'given_up')).toMatchObject({
      reason: 'retries_exhausted',
      attempts_made: 3,
      last_error: 'timeout',
      last_status_code: null,
      next_attempt_at: null,
    });
  });

  it('has a replayed callback once, with all its attempts', async () => {
    const api = await register('/replayed', [404, 200]);
    const { id } = await causeCallback(service, api.serviceId);
    const first = await logged(api.serviceId, id, 'given_up');
    const forwarded = await forwardCount();
    await deadLettersOf(service, api.serviceId).replay(id);
    const replayed = await logged(api.serviceId, id, 'delivered');
    // The delay of a replay counts from the person's request.
    expect(await forwardCount()).toBe(forwarded);
    expect(forwarded).toBeGreaterThan(0);
    expect(replayed).toMatchObject({ reason: null, attempts_made: 2, queued_at: first.queued_at });
    expect(replayed.attempts?.map((attempt) => attempt['status_code'])).toEqual([404, 200]);
    expect(replayed.attempts?.map((attempt) => attempt['generation'])).toEqual([undefined, 1]);
    const { body } = await callbacksOf(service, api.serviceId).list();
    expect(body.data).toHaveLength(1);
  });

  it('has a callback before its first attempt as waiting, for its own service alone', async () => {
    const gate = held(status(200));
    const api = await register('/waits', gate.behaviour);
    const { id } = await causeCallback(service, api.serviceId);
    await receiver.waitForRequests(1, { path: '/waits' });
    expect(await logged(api.serviceId, id, 'waiting')).toMatchObject({
      attempts_made: 0,
      attempts: [],
      callback_api_id: api.id,
    });
    const listed = async (filter: Readonly<Record<string, string>>) =>
      (await callbacksOf(service, api.serviceId).list(filter)).body.data.map((callback) => callback.id);
    expect(await listed({})).toEqual([id]);
    expect(await listed({ state: 'waiting', callback_api_id: api.id })).toEqual([id]);
    expect(await listed({ state: 'delivered' })).toEqual([]);
    expect((await callbacksOf(service, randomUUID()).get(id)).status).toBe(404);
    gate.release();
    await logged(api.serviceId, id, 'delivered');
    expect((await callbacksOf(service, randomUUID()).get(id)).status).toBe(404);
  });

  it('has a deferred callback; the readers show the circuit, the backlog and the failures', async () => {
    const api = await register('/down', 503);
    const first = await causeCallback(service, api.serviceId);
    await logged(api.serviceId, first.id, 'given_up');
    const { id } = await causeCallback(service, api.serviceId);
    const deferred = await logged(api.serviceId, id, 'deferred');
    // Its endpoint's next probe.
    expect(deferred).toMatchObject({
      attempts_made: 0,
      attempts: [],
      next_attempt_at: TIME,
      forward_ms: null,
    });
    const scope = { serviceId: api.serviceId };
    const readers = { endpoint: service.app.get(EndpointReader), overview: service.app.get(OverviewReader) };
    await eventually(async () => {
      const figures = await readers.endpoint.read(scope, api.id);
      expect(figures).toMatchObject({
        lastSuccessAt: null,
        lastFailure: '503',
        failingSince: expect.any(Date),
        attemptsSinceSuccess: 3,
        backlog: 1,
        nextAt: null,
        circuit: { callbackApiId: api.id, state: 'open', until: expect.any(Date) },
      });
      expect(figures?.hours).toHaveLength(24);
      expect(figures?.hours.at(-1)).toMatchObject({ delivered: 0, failed: 3, deferred: 1, givenUp: 1 });
      expect(figures?.answerMs.p50).toEqual(expect.any(Number));
    }, 20_000);
    expect(await readers.endpoint.read({ serviceId: randomUUID() }, api.id)).toBeNull();

    const overview = await readers.overview.read(scope);
    expect(overview).toMatchObject({
      inFlight: null,
      oldestDueMs: null,
      deadLetters: 1,
      openCircuits: [{ callbackApiId: api.id, state: 'open' }],
      endpoints: [{ callbackApiId: api.id, lastFailure: '503', attemptsSinceSuccess: 3 }],
    });
    expect(overview.lastHour).toHaveLength(60);
    expect(overview.lastDay.at(-1)).toMatchObject({ failed: 3, deferred: 1, givenUp: 1 });
    const everybody = await readers.overview.read('all');
    expect(everybody).toMatchObject({ processes: 1, droppedFacts: 0, inFlight: expect.any(Number) });
    expect(everybody.oldestDueMs).toEqual(expect.any(Number));
    expect(everybody.forwardDelay.hour.p99).toEqual(expect.any(Number));
    expect(everybody.endpoints[0]?.failingSince).toEqual(expect.any(Date));
    expect(everybody.endpoints.length).toBeGreaterThan(4);
  }, 60_000);

  describe('as a list', () => {
    let api: RegisteredCallbackApi;
    const ids: string[] = [];

    beforeAll(async () => {
      api = await register('/listed', [200, 404, 200, 404, 200]);
      for (let count = 0; count < 5; count += 1) {
        const { id } = await causeCallback(service, api.serviceId);
        await service.logs.waitForEnd(id);
        ids.unshift(id);
      }
      await logged(api.serviceId, ids[0] ?? '', 'delivered');
    });

    const list = async (filter: Readonly<Record<string, string>>) =>
      (await callbacksOf(service, api.serviceId).list(filter)).body;

    it('goes page by page, newest first', async () => {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page = await list({ limit: '2', ...(cursor !== '' && { cursor }) });
        seen.push(...page.data.map(({ id }) => id));
        cursor = page.next_cursor;
      }
      expect(seen).toEqual(ids);
    });

    it('is of one state, callback API, subject or time', async () => {
      const found = async (filter: Readonly<Record<string, string>>) =>
        (await list(filter)).data.map(({ id }) => id);
      expect(await found({ state: 'given_up' })).toEqual([ids[1], ids[3]]);
      expect(await found({ state: 'retrying' })).toEqual([]);
      expect(await found({ callback_api_id: api.id, state: 'delivered' })).toEqual([ids[0], ids[2], ids[4]]);
      expect(await found({ callback_api_id: randomUUID() })).toEqual([]);
      const all = (await list({})).data;
      expect(await found({ subject_id: all[2]?.subject_id ?? '' })).toEqual([ids[2]]);
      const since = all[1]?.queued_at ?? '';
      expect(await found({ since })).toEqual(ids.slice(0, 2));
      expect(await found({ until: since })).toEqual(ids.slice(2));
    });

    it.each([
      ['cursor', 'nonsense', 'cursor is not one of this list'],
      ['state', 'lost', 'state "lost" is not one of waiting, delivered, retrying, deferred, given_up'],
      ['limit', '0', 'limit is less than 1'],
      ['limit', '201', 'limit is more than 200'],
      ['since', 'yesterday', 'since is not an ISO 8601 date and time'],
      ['callback_api_id', '1', 'callback_api_id is not a uuid'],
      ['subject_id', '', 'subject_id is empty'],
      ['order', 'asc', 'order is not accepted here'],
    ])('rejects %s=%s with the reason, and another bad field at once', async (name, value, message) => {
      const asked = { until: 'tomorrow', [name]: value };
      const { status: code, body } = await callbacksOf(service, api.serviceId).list(asked);
      expect(code).toBe(400);
      for (const each of [message, 'until is not an ISO 8601 date and time'])
        expect(JSON.stringify(body)).toContain(JSON.stringify(each).slice(1, -1));
    });
  });

  it.each([
    ['failures', ['given_up', 'retrying']],
    ['off', ['given_up', 'retrying']],
  ])('with %s hides callbacks that were delivered at once, and keeps the figures', async (keep, states) => {
    const own = await createTestDatabase();
    const other = await startTestService(own.url, {
      CALLBACK_DELIVERY_LOG: keep,
      CALLBACK_RETRY_DELAY_MS: '600000',
      CALLBACK_RETRY_MAX_DELAY_MS: '600000',
    });
    const { serviceId } = await registerCallbackApi(other, { url: receiver.url(`/${keep}`) });
    try {
      receiver.respond(`/${keep}`, [200, 503, 404]);
      for (const event of ['callback.delivered', 'callback.retrying', 'callback.not_retried']) {
        const { id } = await causeCallback(other, serviceId);
        const [line] = await other.logs.waitFor(event, { callback_id: id });
        const found = await callbacksOf(other, serviceId).get(id);
        expect(found.status).toBe(event === 'callback.delivered' ? 404 : 200);
        if (event !== 'callback.retrying') continue;
        // The database's clock decides, and so do its times in the log.
        const loggedAt = Date.parse(String(line?.['next_attempt_at']));
        expect(Math.abs(Date.parse(String(found.body.data.next_attempt_at)) - loggedAt)).toBeLessThan(1_000);
      }
      const { body } = await callbacksOf(other, serviceId).list();
      expect(body.data.map(({ state }) => state)).toEqual(states);
    } finally {
      // The results of the last attempts are written before the process ends.
      await other.stop();
    }
    const [sums] = await query(
      own.url,
      `SELECT sum(delivered)::int AS delivered, sum(failed)::int AS failed, sum(given_up)::int AS given_up
       FROM service_callback_minutes`,
    );
    expect(sums).toEqual({ delivered: 1, failed: 2, given_up: 1 });
    await own.drop();
  });

  it('with failures shows callbacks that were delivered after a failure', async () => {
    const own = await createTestDatabase();
    const other = await startTestService(own.url, { CALLBACK_DELIVERY_LOG: 'failures' });
    try {
      receiver.respond('/second-time', [503, 200]);
      const { serviceId } = await registerCallbackApi(other, { url: receiver.url('/second-time') });
      const { id } = await causeCallback(other, serviceId);
      await other.logs.waitFor('callback.delivered', { callback_id: id });
      expect((await callbacksOf(other, serviceId).get(id)).body.data).toMatchObject({
        state: 'delivered',
        attempts: [{ status_code: 503 }, { status_code: 200 }],
      });
    } finally {
      await other.stop();
      await own.drop();
    }
  });

  it('continues after a restart', async () => {
    const own = await createTestDatabase();
    const environment = {
      ...(await queueEnvironment()),
      CALLBACK_RETRY_DELAY_MS: '2000',
      CALLBACK_RETRY_MAX_DELAY_MS: '2000',
    };
    receiver.respond('/restart', [503, 200]);
    const before = await startTestService(own.url, environment);
    const { serviceId } = await registerCallbackApi(before, { url: receiver.url('/restart') });
    const { id } = await causeCallback(before, serviceId);
    await before.logs.waitFor('callback.retrying', { callback_id: id });
    await before.stop();
    const [row] = await query(own.url, 'SELECT state, attempt_count FROM service_callbacks');
    expect(row).toEqual({ state: 'scheduled', attempt_count: 1 });
    expect(await query(own.url, 'SELECT FROM service_callback_processes')).toEqual([]);

    const after = await startTestService(own.url, environment);
    await after.logs.waitFor('callback.delivered', { callback_id: id });
    await after.stop();
    const [end] = await query(
      own.url,
      'SELECT state, attempts, attempt_count, next_attempt_at FROM service_callbacks',
    );
    expect(end).toMatchObject({ state: 'delivered', attempt_count: 2, next_attempt_at: null });
    expect(end?.['attempts']).toMatchObject([{ status_code: 503 }, { status_code: 200 }]);
    await own.drop();
  });
});
