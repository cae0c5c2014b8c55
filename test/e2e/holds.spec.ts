import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Holds } from '../../src/service-callbacks/holds/holds.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { held } from '../support/held.js';
import { startReceiver, status, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const FAILURES = 3;
const ENVIRONMENT: Environment = {
  CALLBACK_CIRCUIT_FAILURES: `${FAILURES}`,
  CALLBACK_CIRCUIT_OPEN_MS: '400',
  CALLBACK_MAX_RETRIES: '20',
};

interface Hold {
  readonly state: string;
  readonly reason: string;
  readonly epoch: number;
  readonly next_probe_at: Date;
}

describe('an endpoint on hold', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let services: TestService[];

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
  });

  beforeEach(() => {
    services = [];
  });

  afterEach(async () => {
    await Promise.all(services.map((service) => service.stop()));
  });

  afterAll(async () => {
    await receiver.close();
    await database.drop();
  });

  async function start(environment: Environment = {}): Promise<TestService> {
    const service = await startTestService(database.url, { ...ENVIRONMENT, ...environment });
    services.push(service);
    return service;
  }

  const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);
  const holdOf = async (id: string): Promise<Hold | undefined> =>
    (await query<Hold>(database.url, 'SELECT * FROM service_callback_holds WHERE endpoint_id = $1', [id]))[0];
  const statesOf = async (id: string): Promise<string[]> =>
    (
      await query<{ state: string }>(
        database.url,
        'SELECT DISTINCT state FROM service_callbacks WHERE endpoint_id = $1 ORDER BY 1',
        [id],
      )
    ).map(({ state }) => state);

  it('gets one probe at a time, and all held callbacks after a probe succeeds', async () => {
    const service = await start();
    let isDown = true;
    receiver.respond('/down', (exchange) => status(isDown ? 500 : 200)(exchange));
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/down') });
    const sent = await Promise.all(Array.from({ length: 40 }, () => causeCallback(service, serviceId)));
    await service.logs.waitFor('endpoint.held', { callback_api_id: id });
    await eventually(async () => expect(await statesOf(id)).toEqual(['held']));
    expect(await holdOf(id)).toMatchObject({ state: 'open', reason: 'circuit_open', epoch: 1 });
    // Probes alone, each later than the one before by a growing interval.
    const before = requestsTo('/down').length;
    await eventually(async () => expect(requestsTo('/down').length).toBeGreaterThan(before));
    expect(service.logs.events('endpoint.held', { callback_api_id: id })).toHaveLength(1);
    expect(await service.call('GET', '/health/ready')).toMatchObject({ status: 200 });

    isDown = false;
    await Promise.all(
      sent.map(({ id: callback }) => service.logs.waitForEnd(callback, { timeoutMs: 20_000 })),
    );
    expect(await statesOf(id)).toEqual(['delivered']);
    const [released] = await service.logs.waitFor('endpoint.released', { callback_api_id: id });
    expect(released).toMatchObject({ reason: 'probe' });
    await eventually(async () => expect(await holdOf(id)).toMatchObject({ state: 'lifted' }));
    // Once a callback and hold, not at each look.
    for (const { id: callback } of sent)
      expect(service.logs.events('callback.deferred', { callback_id: callback }).length).toBeLessThanOrEqual(
        1,
      );
  });

  it('by Retry-After logs one line, and one for each callback', async () => {
    const service = await start();
    receiver.respond('/busy', status(503, { headers: { 'retry-after': '3600' } }));
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/busy') });
    const sent = await Promise.all(Array.from({ length: 84 }, () => causeCallback(service, serviceId)));
    await eventually(async () => expect(await statesOf(id)).toEqual(['held']));
    const deferred = service.logs.events('callback.deferred', { service_id: serviceId });
    const logged = deferred.map((line) => String(line['callback_id']));
    expect(logged.toSorted()).toEqual(sent.map(({ id: callback }) => callback).toSorted());
    expect(service.logs.events('endpoint.held', { callback_api_id: id })).toHaveLength(1);
  });

  it('is kept over restarts and shared by all processes', async () => {
    const first = await start({ CALLBACK_CIRCUIT_OPEN_MS: '60000' });
    receiver.respond('/shared', 500);
    const { id, serviceId } = await registerCallbackApi(first, { url: receiver.url('/shared') });
    await Promise.all(Array.from({ length: 10 }, () => causeCallback(first, serviceId)));
    await first.logs.waitFor('endpoint.held', { callback_api_id: id });
    await eventually(async () => expect(await statesOf(id)).toEqual(['held']));
    await first.stop();
    services = [];
    const attempts = requestsTo('/shared').length;

    const second = await start({ CALLBACK_CIRCUIT_OPEN_MS: '60000' });
    const { id: late } = await causeCallback(second, serviceId);
    await second.logs.waitFor('callback.deferred', { callback_id: late, error: 'circuit_open' });
    expect(requestsTo('/shared')).toHaveLength(attempts);

    // A person changes the token: the held callbacks continue at once.
    receiver.respond('/shared', 200);
    const changed = await second.call('POST', `/service/${serviceId}/callback-api/${id}`, {
      bearer_token: 'another-token-0123456789',
      updated_by_id: serviceId,
    });
    expect(changed.status).toBe(200);
    await eventually(async () => expect(await statesOf(id)).toEqual(['delivered']));
    expect(second.logs.events('endpoint.released', { callback_api_id: id })).toEqual([
      expect.objectContaining({ reason: 'changed' }),
    ]);
  });

  it('waits as long as Retry-After says, even if one callback alone fails', async () => {
    const service = await start();
    let requests = 0;
    receiver.respond('/retry-after', (exchange) => {
      requests += 1;
      status(requests === 1 ? 503 : 200, { headers: requests === 1 ? { 'retry-after': '1' } : {} })(exchange);
    });
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/retry-after') });
    const { id: first } = await causeCallback(service, serviceId);
    await service.logs.waitFor('endpoint.held', { callback_api_id: id, reason: 'retry_after' });
    const { id: other } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.deferred', { callback_id: other, error: 'retry_after' });
    expect(requests).toBe(1);
    await Promise.all([first, other].map((callback) => service.logs.waitForEnd(callback)));
    await service.logs.waitFor('endpoint.released', { service_id: serviceId, reason: 'retry_after' });
    const [arrived] = requestsTo('/retry-after').slice(1);
    expect((arrived?.at ?? 0) - (requestsTo('/retry-after')[0]?.at ?? 0)).toBeGreaterThanOrEqual(900);
  });

  it('gets its next probe no earlier than Retry-After says', async () => {
    const service = await start();
    receiver.respond('/probed', 500);
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/probed') });
    await Promise.all(Array.from({ length: 10 }, () => causeCallback(service, serviceId)));
    await service.logs.waitFor('endpoint.held', { callback_api_id: id, reason: 'circuit_open' });
    await eventually(async () => expect(await statesOf(id)).toEqual(['held']));
    receiver.respond('/probed', status(429, { headers: { 'retry-after': '3600' } }));
    const [probe] = await service.logs.waitFor('callback.retrying', {
      service_id: serviceId,
      status_code: 429,
    });
    expect(Date.parse(String(probe?.['next_attempt_at']))).toBeGreaterThan(Date.now() + 3_500_000);
    const hold = await holdOf(id);
    expect(hold).toMatchObject({ state: 'open', reason: 'circuit_open' });
    expect(hold?.next_probe_at.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
  });

  it('by the failure that opens its circuit lasts as long as its Retry-After, if that is longer', async () => {
    const service = await start({ CALLBACK_CIRCUIT_FAILURES: '1' });
    receiver.respond('/opens', status(503, { headers: { 'retry-after': '7200' } }));
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/opens') });
    await causeCallback(service, serviceId);
    const [line] = await service.logs.waitFor('endpoint.held', { callback_api_id: id });
    expect(Date.parse(String(line?.['next_attempt_at']))).toBeGreaterThan(Date.now() + 3_500_000);
    const { next_probe_at: next } = (await holdOf(id)) ?? {};
    expect(next?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
    expect(next?.getTime()).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  it('by Retry-After is lifted by enabling its endpoint, which was not disabled', async () => {
    const service = await start();
    receiver.respond('/enabled', status(503, { headers: { 'retry-after': '3600' } }));
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/enabled') });
    await causeCallback(service, serviceId);
    await service.logs.waitFor('endpoint.held', { callback_api_id: id, reason: 'retry_after' });
    const { id: other } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.deferred', { callback_id: other, error: 'retry_after' });
    receiver.respond('/enabled', 200);
    const path = `/service/${serviceId}/callback-api/${id}/enable`;
    expect(await service.call('POST', path, { updated_by_id: serviceId })).toMatchObject({ status: 200 });
    await service.logs.waitFor('callback.delivered', { callback_id: other });
    await service.logs.waitFor('endpoint.released', { callback_api_id: id, reason: 'enabled' });
  });

  it.each([
    ['its circuit', 500, {}, 'circuit_open'],
    ['Retry-After', 503, { 'retry-after': '3600' }, 'retry_after'],
  ])('by %s is probed at once with the callback that is to be retried now', async (_, code, headers, why) => {
    const service = await start({ CALLBACK_CIRCUIT_OPEN_MS: '600000' });
    const path = `/retried-${code}`;
    receiver.respond(path, status(code, { headers }));
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url(path) });
    await Promise.all(Array.from({ length: FAILURES }, () => causeCallback(service, serviceId)));
    await service.logs.waitFor('endpoint.held', { callback_api_id: id, reason: why });
    const waiting = [];
    for (let n = 0; n < 4; n += 1) {
      const { id: callback } = await causeCallback(service, serviceId);
      await service.logs.waitFor('callback.deferred', { callback_id: callback, error: why });
      waiting.push(callback);
    }
    receiver.respond(path, 200);
    const before = requestsTo(path).length;
    const [, , third] = waiting;
    expect(await service.call('POST', `/service/${serviceId}/callbacks/${third}/retry`)).toMatchObject({
      status: 202,
      body: { data: { queued: true } },
    });
    await Promise.all(waiting.map((callback) => service.logs.waitForEnd(callback)));
    expect(requestsTo(path)[before]?.headers['webhook-id']).toBe(third);
    await service.logs.waitFor('endpoint.released', { callback_api_id: id, reason: 'probe' });
  });

  it('is not needed: a callback that is deferred repeatedly also logs one line', async () => {
    const service = await start({ CALLBACK_CONCURRENCY: '8', CALLBACK_RETRY_CONCURRENCY: '4' });
    const response = held(status(200));
    receiver.respond('/unproven', response.behaviour);
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/unproven') });
    await Promise.all(Array.from({ length: 84 }, () => causeCallback(service, serviceId)));
    await eventually(async () => {
      const { body } = await service.call('GET', '/metrics');
      const looks = [...String(body).matchAll(/^service_callback_deferred_total\{.*\} (\d+)$/gm)];
      expect(looks.reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(200);
    });
    const deferred = service.logs.events('callback.deferred', { service_id: serviceId });
    response.release();
    expect(deferred.length).toBeGreaterThan(40);
    expect(new Set(deferred.map((line) => line['callback_id'])).size).toBe(deferred.length);
  });

  it('is on hold no more when its endpoint is disabled: no relay looks for its probe', async () => {
    const service = await start();
    receiver.respond('/disabled', 500);
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/disabled') });
    await Promise.all(Array.from({ length: 10 }, () => causeCallback(service, serviceId)));
    // An attempt that begins after the hold has ended could put the endpoint on hold again.
    await eventually(async () => expect(await statesOf(id)).toEqual(['held']));
    const path = `/service/${serviceId}/callback-api/${id}/disable`;
    expect(await service.call('POST', path, { updated_by_id: serviceId })).toMatchObject({ status: 200 });
    await eventually(async () => expect(await holdOf(id)).toMatchObject({ state: 'lifted' }));
    await eventually(async () => expect(service.app.get(Holds).isAnyDue).toBe(false));
    await eventually(async () => expect(await statesOf(id)).toEqual(['given_up']));
    expect(service.logs.events('endpoint.released', { callback_api_id: id })).toEqual([]);
  });

  it('delivers other callbacks while a single one fails its probes', async () => {
    const service = await start();
    const poison = new Set<string>();
    let isDown = true;
    receiver.respond('/one-bad', (exchange) => {
      const id = String(exchange.request.headers['webhook-id']);
      status(isDown || poison.has(id) ? 500 : 200)(exchange);
    });
    const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/one-bad') });
    const sent = await Promise.all(Array.from({ length: 8 }, () => causeCallback(service, serviceId)));
    await eventually(async () => expect(await statesOf(id)).toEqual(['held']));
    poison.add(sent[0]?.id ?? '');
    isDown = false;
    await Promise.all(
      sent.slice(1).map(({ id: callback }) => service.logs.waitForEnd(callback, { timeoutMs: 20_000 })),
    );
    expect(
      service.logs
        .events('callback.delivered')
        .filter((line) => sent.some(({ id: one }) => one === line['callback_id'])),
    ).toHaveLength(7);
  });
});
