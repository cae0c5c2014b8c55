import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { DataSource } from 'typeorm';
import { ApiTokenRepository } from '../../src/http/api-tokens/api-token.repository.js';
import { generateApiToken, tokenDigest, type ApiScope } from '../../src/http/api-tokens/api-token.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { EndpointReview } from '../../src/service-callbacks/endpoint-health/endpoint-review.js';
import { OPERATORS } from '../../src/service-callbacks/endpoint-health/endpoint-alerts.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { enqueueAs, RETRYING } from '../support/enqueue-as.js';
import { eventually } from '../support/eventually.js';
import { queueEnvironment } from '../support/queue-backend.js';
import { allFinished, queuedJobs, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const DAY_MS = 86_400_000;
const ALERT_TOKEN = 'a-token-of-the-operators';

describe('an endpoint', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  /** A second process on the same stores. */
  let other: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    const environment = {
      // Both services share it: on Redis, one database.
      ...(await queueEnvironment()),
      CALLBACK_MAX_RETRIES: '1',
      ALERT_WEBHOOK_URL: receiver.url('/alerts'),
      ALERT_WEBHOOK_TOKEN: ALERT_TOKEN,
    };
    service = await startTestService(database.url, environment);
    other = await startTestService(database.url, environment);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([service.stop(), other.stop()]);
    await receiver.close();
    await database.drop();
  }, 60_000);

  const register = (path: string): Promise<RegisteredCallbackApi> =>
    registerCallbackApi(service, { url: receiver.url(path) });
  const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);
  const pathOf = ({ serviceId, id }: RegisteredCallbackApi) => `/service/${serviceId}/callback-api/${id}`;
  const press = (api: RegisteredCallbackApi, what: 'disable' | 'enable', body?: object, headers = {}) =>
    service.call<{ data: Record<string, unknown> }>('POST', `${pathOf(api)}/${what}`, body, headers);
  async function bearerOf(...scopes: ApiScope[]) {
    const token = generateApiToken();
    const tokens = new ApiTokenRepository(service.app.get(DataSource));
    await tokens.add({ name: 'of a test', digest: tokenDigest(token), scopes });
    return { authorization: `Bearer ${token}` };
  }
  const health = async (api: RegisteredCallbackApi) =>
    (await service.call<{ data: Record<string, unknown> }>('GET', `${pathOf(api)}/health`)).body.data;

  async function metric(line: string): Promise<number> {
    const text = String((await service.call('GET', '/metrics')).body);
    const sample = text.split('\n').find((candidate) => candidate.startsWith(line));
    return Number(sample?.slice(sample.lastIndexOf(' ') + 1));
  }

  /** Writes figures of an endpoint that has only failed for this long. */
  async function failing(api: RegisteredCallbackApi, days: number, attempts = 200): Promise<void> {
    await query(
      database.url,
      `INSERT INTO service_callback_endpoint_health
         (callback_api_id, service_id, failing_since, last_failure_at, last_failure, attempts_since_success)
       VALUES ($1, $2, $3, now(), '503', $4)
       ON CONFLICT (callback_api_id) DO UPDATE SET failing_since = excluded.failing_since,
         last_failure = excluded.last_failure, attempts_since_success = excluded.attempts_since_success`,
      [api.id, api.serviceId, new Date(Date.now() - days * DAY_MS), attempts],
    );
  }

  /** The same failure after it has lasted for this long. */
  async function later(api: RegisteredCallbackApi, days: number): Promise<void> {
    await query(
      database.url,
      `WITH since AS (
         UPDATE service_callback_endpoint_health SET failing_since = $2 WHERE callback_api_id = $1)
       UPDATE service_callback_apis SET warned_since = $2 WHERE id = $1::uuid AND warned_since IS NOT NULL`,
      [api.id, new Date(Date.now() - days * DAY_MS)],
    );
  }

  /** Runs the review of both processes at the same moment. */
  const review = () =>
    Promise.all([service, other].map((process) => process.app.get(EndpointReview).review()));

  const linesOf = (event: string, api: RegisteredCallbackApi) =>
    // Both services write to the log of the process, so both captures get each line.
    service.logs.events(event, { callback_api_id: api.id });

  it('that is disabled is not called, and its callbacks are kept', async () => {
    const api = await register('/switched-off');
    const by = randomUUID();
    const { status, body } = await press(api, 'disable', { updated_by_id: by });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      id: api.id,
      disabled_reason: 'by_hand',
      disabled_at: expect.any(String),
    });
    expect(linesOf('endpoint.disabled', api)).toEqual([expect.objectContaining({ updated_by_id: by })]);
    // Doing it again changes nothing and sends no alert.
    expect((await press(api, 'disable')).body.data).toEqual(body.data);
    expect(linesOf('endpoint.disabled', api)).toHaveLength(1);

    const sent = [await causeCallback(service, api.serviceId), await causeCallback(service, api.serviceId)];
    for (const { id } of sent) {
      await service.logs.waitFor('callback.disabled', { callback_id: id });
      const letter = (await deadLettersOf(service, api.serviceId).get(id)).body.data;
      expect(letter).toMatchObject({ reason: 'disabled', attempts_made: 0 });
    }
    expect(requestsTo('/switched-off')).toEqual([]);
    expect(await health(api)).toMatchObject({ status: 'disabled', dead_letters: { waiting: 2 } });
    expect(await metric('service_callback_disabled_endpoints')).toBeGreaterThanOrEqual(1);

    // A replay is refused in words and does not go round in a circle.
    const [first] = sent;
    const refused = await deadLettersOf(service, api.serviceId).replay(first?.id ?? '');
    expect(refused).toMatchObject({
      status: 409,
      body: { errors: [{ message: expect.stringMatching(/is disabled: enable it first$/) }] },
    });
    await allFinished(service);

    // Who may change callback APIs may not by that alone replay.
    const writer = await bearerOf('callbacks:read', 'callbacks:write');
    expect(await press(api, 'enable', { replay: true }, writer)).toMatchObject({
      status: 403,
      body: {
        status_code: 403,
        errors: [{ error: 'AuthError', message: expect.stringMatching(/lacks dead-letters:replay/) }],
      },
    });
    expect(await health(api)).toMatchObject({ status: 'disabled' });

    const enabled = await press(api, 'enable', { replay: false }, writer);
    expect(enabled.body.data).toMatchObject({
      disabled_at: null,
      disabled_reason: null,
      dead_letters: { reason: 'disabled', waiting: 2, replaying: 0 },
      replay: { path: `/service/${api.serviceId}/dead-letters/replay` },
    });
    const replayer = await bearerOf('callbacks:write', 'dead-letters:replay');
    const again = await press(api, 'enable', { replay: true }, replayer);
    expect(again.body.data).toMatchObject({ dead_letters: { waiting: 0, replaying: 2 } });
    await receiver.waitForRequests(2, { path: '/switched-off' });
    expect(linesOf('endpoint.enabled', api)).toHaveLength(1);
    expect(new Set(requestsTo('/switched-off').map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set(sent.map(({ id }) => id)),
    );
  }, 60_000);

  it('that is disabled gets no retries either; enabled, it is called at once', async () => {
    const api = await register('/fails-once');
    receiver.respond('/fails-once', [500, 200]);
    await queueOf(service, RETRY_QUEUE).pause();
    const { id } = await causeCallback(service, api.serviceId);
    await service.logs.waitFor('callback.retrying', { callback_id: id });
    // Disabled when it is taken already.
    await eventually(async () =>
      expect(await queuedJobs(service)).toContainEqual(expect.stringMatching(RETRY_QUEUE)),
    );
    await press(api, 'disable');
    await queueOf(service, RETRY_QUEUE).resume();
    const [line] = await service.logs.waitFor('callback.disabled', { callback_id: id });
    expect(line).toMatchObject({ level: 40, attempt: 1, status_code: 500 });
    expect(requestsTo('/fails-once')).toHaveLength(1);

    await press(api, 'enable');
    const second = await causeCallback(service, api.serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: second.id });
    await allFinished(service);
  }, 60_000);

  it('that is disabled ends waiting retries at once; a deleted one cancels them', async () => {
    for (const [end, reason] of [
      [(api: RegisteredCallbackApi) => press(api, 'disable'), 'disabled'],
      [(api: RegisteredCallbackApi) => service.call('DELETE', pathOf(api)), 'cancelled'],
    ] as const) {
      const api = await register(`/waits-when-${reason}`);
      const id = await enqueueAs(service, api.serviceId, RETRYING);
      await end(api);
      expect(service.logs.ofCallback(id).at(-1)).toMatchObject({
        event: `callback.${reason}`,
        level: 40,
        attempt: 1,
        status_code: 503,
      });
      const { data } = (await callbacksOf(service, api.serviceId).get(id)).body;
      expect(data).toMatchObject({ state: 'given_up', reason, attempts_made: 1, next_attempt_at: null });
      expect((await deadLettersOf(service, api.serviceId).get(id)).body.data).toMatchObject({ reason });
      expect(requestsTo(`/waits-when-${reason}`)).toEqual([]);
    }
  });

  it('that responds with 410 Gone is disabled at once, and the operators get an alert', async () => {
    const api = await register('/gone');
    receiver.respond('/gone', 410);
    const { id } = await causeCallback(service, api.serviceId);
    await service.logs.waitFor('callback.not_retried', { callback_id: id });
    const [line] = await service.logs.waitFor('endpoint.disabled', { callback_api_id: api.id });
    expect(line).toMatchObject({ level: 40, reason: 'gone', service_id: api.serviceId });
    expect(await health(api)).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });

    const alert = await found(() => alertsAbout(api)[0]);
    expect(alert.headers).toMatchObject({ authorization: `Bearer ${ALERT_TOKEN}` });
    expect(JSON.parse(alert.body)).toMatchObject({
      change: 'disabled',
      reason: 'gone',
      callback_api_id: api.id,
      service_callback_url: api.url,
      text: expect.stringMatching(/was disabled: it responded with 410 Gone/),
    });
    expect(await metric('service_callback_endpoint_changes_total{change="disabled"}')).toBeGreaterThan(0);

    // What came meanwhile is replayed, and so is the callback whose response was 410.
    const missed = await causeCallback(service, api.serviceId);
    await service.logs.waitFor('callback.disabled', { callback_id: missed.id });
    receiver.respond('/gone', 200);
    const { body } = await press(api, 'enable', { replay: true });
    expect(body.data).toMatchObject({ dead_letters: { waiting: 0, replaying: 2 } });
    for (const each of [id, missed.id])
      await service.logs.waitFor('callback.delivered', { callback_id: each });
  });

  const alertsAbout = (api: RegisteredCallbackApi) =>
    requestsTo('/alerts').filter(({ body }) => body.includes(api.id));

  async function found<T>(find: () => T | undefined): Promise<T> {
    let result: T | undefined;
    await eventually(async () => {
      result = find();
      expect(result).toBeDefined();
    });
    return result as T;
  }

  it('that only fails is warned of at 50, 70 and 90 %, once each, and then disabled by one process', async () => {
    const api = await register('/failing');
    await failing(api, 2.4);
    await review();
    expect(linesOf('endpoint.warned', api)).toEqual([]);
    for (const [days, percent] of [
      [2.6, 50],
      [3.6, 70],
      [4.6, 90],
    ] as const) {
      await later(api, days);
      await review();
      await review();
      expect(linesOf('endpoint.warned', api).at(-1)).toMatchObject({
        level: 40,
        percent,
        last_failure: '503',
        attempts_since_success: 200,
      });
      expect(await health(api)).toMatchObject({
        status: 'failing',
        warned_percent: percent,
        disables_at: expect.any(String),
      });
    }
    expect(linesOf('endpoint.warned', api).map(({ percent }) => percent)).toEqual([50, 70, 90]);
    await later(api, 5.1);
    await review();
    await review();
    expect(linesOf('endpoint.disabled', api)).toEqual([
      expect.objectContaining({ reason: 'failing', last_failure: '503', attempts_since_success: 200 }),
    ]);
    await eventually(async () => {
      const alerts = alertsAbout(api).map(({ body }) => JSON.parse(body) as Record<string, unknown>);
      expect(alerts).toHaveLength(4);
      expect(new Set(alerts.map(({ change, percent }) => percent ?? change))).toEqual(
        new Set([50, 70, 90, 'disabled']),
      );
    });
    // After it is enabled, its time begins again.
    await press(api, 'enable');
    await review();
    expect(await health(api)).toMatchObject({ status: 'unknown', warned_percent: 0 });
  }, 60_000);

  it('that succeeds after a warning recovers, and its next failure is warned of anew', async () => {
    const api = await register('/recovers');
    await failing(api, 3);
    await review();
    expect(linesOf('endpoint.warned', api)).toHaveLength(1);
    const { id } = await causeCallback(service, api.serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: id });
    await eventually(async () => expect(await health(api)).toMatchObject({ status: 'healthy' }));
    await review();
    expect(linesOf('endpoint.recovered', api)).toHaveLength(1);
    await failing(api, 2.7);
    await review();
    expect(linesOf('endpoint.warned', api)).toHaveLength(2);
  }, 60_000);

  it('with fewer than 100 attempts is not disabled, however long it has failed', async () => {
    const api = await register('/rarely-called');
    await failing(api, 100, 40);
    await review();
    // Its time is over: only attempts are missing, and their time is unknown.
    expect(await health(api)).toMatchObject({
      status: 'failing',
      disabled_at: null,
      disables_at: null,
      warned_percent: 0,
    });
  });

  it('that gets another URL begins without failures', async () => {
    const api = await register('/old-home');
    await failing(api, 4);
    await review();
    await service.call('POST', pathOf(api), { updated_by_id: randomUUID(), url: receiver.url('/new-home') });
    await review();
    expect(await health(api)).toMatchObject({ failing_since: null, warned_percent: 0, status: 'unknown' });
    expect(linesOf('endpoint.recovered', api)).toEqual([]);
  });

  it('sends an alert to its own service, if that has registered for alerts', async () => {
    const api = await register('/mine');
    const alertsApi = await registerCallbackApi(service, {
      serviceId: api.serviceId,
      callback_type: 'endpoint_alert',
      url: receiver.url('/my-alerts'),
    });
    await press(api, 'disable');
    const [alert] = await receiver.waitForRequests(1, { path: '/my-alerts' });
    expect(JSON.parse(alert?.body ?? '')).toMatchObject({ change: 'disabled', callback_api_id: api.id });
    expect(alert?.headers.authorization).toBe(`Bearer ${alertsApi.bearerToken}`);
  });

  it('that takes alerts and fails sends no alert about itself', async () => {
    const [operators] = await query<{ id: string }>(
      database.url,
      `SELECT id FROM service_callback_apis WHERE service_id = $1`,
      [OPERATORS],
    );
    const api = { id: operators?.id ?? '', serviceId: OPERATORS, url: '', bearerToken: '' };
    await allFinished(service);
    const before = requestsTo('/alerts').length;
    await eventually(async () => {
      // Repeated, because an alert that was delivered earlier and is settled only now ends the failure.
      await failing(api, 4.6);
      await review();
      expect(linesOf('endpoint.warned', api)).toHaveLength(1);
    });
    await press(api, 'disable');
    expect(linesOf('endpoint.disabled', api)).toHaveLength(1);
    await allFinished(service);
    expect(alertsAbout(api)).toEqual([]);
    expect(requestsTo('/alerts')).toHaveLength(before);
    await press(api, 'enable');
  });

  it('shows a rotated secret once: alerts are signed like every callback', async () => {
    const [row] = await query<{ id: string }>(
      database.url,
      `SELECT id FROM service_callback_apis WHERE service_id = $1`,
      [OPERATORS],
    );
    const rotated = await service.call<{ data: { signing_secret: string } }>(
      'POST',
      `/service/${OPERATORS}/callback-api/${row?.id}/signing-secret/rotate`,
    );
    const api = await register('/signed-alert');
    await press(api, 'disable');
    const alert = await found(() => alertsAbout(api)[0]);
    const verified = new Webhook(rotated.body.data.signing_secret).verify(
      alert.body,
      alert.headers as Record<string, string>,
    );
    expect(verified).toMatchObject({ change: 'disabled' });
  });

  it.each(['disable', 'enable', 'test'] as const)(
    'that does not exist responds to %s with 404',
    async (what) => {
      const response = await service.call(
        'POST',
        `/service/${randomUUID()}/callback-api/${randomUUID()}/${what}`,
      );
      expect(response.status).toBe(404);
      expect(await queueOf(service, MAIN_QUEUE).count()).toBe(0);
    },
  );
});

describe('an endpoint that never succeeds', () => {
  it('is disabled by the figures of its own attempts, after the time and 100 of them', async () => {
    const database = await createTestDatabase();
    const receiver = await startReceiver();
    const service = await startTestService(database.url, { CALLBACK_DISABLE_AFTER: '1s' });
    try {
      receiver.respond('/never', 404);
      const { serviceId, id } = await registerCallbackApi(service, { url: receiver.url('/never') });
      for (let sent = 0; sent < 100; sent += 20) {
        await Promise.all(Array.from({ length: 20 }, () => causeCallback(service, serviceId)));
      }
      const [line] = await service.logs.waitFor('endpoint.disabled', { callback_api_id: id });
      expect(line).toMatchObject({ reason: 'failing', last_failure: '404' });
      expect(line?.['attempts_since_success']).toBeGreaterThanOrEqual(100);
      expect(receiver.requests).toHaveLength(100);
    } finally {
      await service.stop();
      await receiver.close();
      await database.drop();
    }
  }, 90_000);
});
