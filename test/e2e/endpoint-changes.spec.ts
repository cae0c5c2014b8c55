import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { allFinished, queueOf } from '../support/queue-state.js';
import { delay, startReceiver, type RecordedRequest } from '../support/receiver.js';
import { registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { startTestService, type Environment } from '../support/service.js';
import { query } from '../support/sql.js';

const COUNT = 20;
const NEW_TOKEN = 'a-token-that-was-changed';
/** What waited longer than 2 s is read again before it is sent. */
const WAITED_MS = 2_100;
/** Callbacks that wait for one permit, a second each. A few of them may be sent with the old URL. */
const WAITING = 8;
const STALE = 4;

type Fixture = Awaited<ReturnType<typeof startFixture>>;

async function startFixture(environment: Environment) {
  const database = await createTestDatabase();
  const receiver = await startReceiver();
  const service = await startTestService(database.url, environment);
  const pathOf = ({ serviceId, id }: RegisteredCallbackApi) => `/service/${serviceId}/callback-api/${id}`;

  return {
    service,
    receiver,
    pathOf,
    requestsTo: (path: string) => receiver.requests.filter((request) => request.path === path),
    close: async () => {
      await service.stop();
      await receiver.close();
      await database.drop();
    },

    send: async ({ serviceId }: RegisteredCallbackApi, count: number): Promise<string[]> => {
      const news = Array.from({ length: count }, () => aNotification({ serviceId }));
      const sent = await service.app.get(ServiceCallbacksProducer).sendMany('delivery_status', news);
      return sent.map((result) => (result.queued ? result.id : result.reason));
    },

    inBatches: (ids: readonly string[]) =>
      eventually(async () => {
        const rows = await query(
          database.url,
          `SELECT id FROM service_callbacks WHERE id = ANY($1::uuid[]) AND state = 'queued'`,
          [ids],
        );
        expect(rows).toHaveLength(ids.length);
      }),

    /**
     * Changes URL, token and secret, without a time in which both secrets sign.
     * @returns the new secret
     */
    change: async (api: RegisteredCallbackApi, url: string): Promise<string> => {
      const change = { url, bearer_token: NEW_TOKEN, updated_by_id: randomUUID() };
      expect((await service.call('POST', pathOf(api), change)).status).toBe(200);
      const { body } = await service.call<{ data: { signing_secret: string } }>(
        'POST',
        `${pathOf(api)}/signing-secret/rotate`,
      );
      await query(
        database.url,
        'UPDATE service_callback_apis SET previous_signing_secret_until = now() WHERE id = $1',
        [api.id],
      );
      return body.data.signing_secret;
    },

    expectNew: (requests: readonly RecordedRequest[], secret: string): void => {
      for (const { headers, body } of requests) {
        expect(headers.authorization).toBe(`Bearer ${NEW_TOKEN}`);
        expect(String(headers['webhook-signature']).split(' ')).toHaveLength(1);
        expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).not.toThrow();
      }
    },
  };
}

describe('a callback in a queue uses the current URL, token and secret of its endpoint', () => {
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = await startFixture({ CALLBACK_CIRCUIT_FAILURES: '1000' });
  });

  afterAll(() => fixture.close());

  it('a first attempt', async () => {
    const { service, receiver, requestsTo } = fixture;
    const api = await registerCallbackApi(service, { url: receiver.url('/queue-old') });
    const main = queueOf(service, MAIN_QUEUE);
    await main.pause();
    const ids = await fixture.send(api, COUNT);
    await fixture.inBatches(ids);
    const secret = await fixture.change(api, receiver.url('/queue-new'));
    await sleep(WAITED_MS);
    await main.resume();
    await allFinished(service);
    expect(requestsTo('/queue-old')).toEqual([]);
    expect(new Set(requestsTo('/queue-new').map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set(ids),
    );
    fixture.expectNew(requestsTo('/queue-new'), secret);
  });

  it('a first attempt, which is not sent once its endpoint is deleted', async () => {
    const { service, receiver, requestsTo } = fixture;
    const api = await registerCallbackApi(service, { url: receiver.url('/queue-deleted') });
    const main = queueOf(service, MAIN_QUEUE);
    await main.pause();
    const ids = await fixture.send(api, COUNT);
    await fixture.inBatches(ids);
    expect((await service.call('DELETE', fixture.pathOf(api))).status).toBe(204);
    await sleep(WAITED_MS);
    await main.resume();
    await allFinished(service);
    expect(requestsTo('/queue-deleted')).toEqual([]);
    const cancelled = service.logs.events('callback.cancelled', { service_id: api.serviceId });
    expect(new Set(cancelled.map((line) => line['callback_id']))).toEqual(new Set(ids));
  });

  it('a retry, and never a successor of a deleted endpoint', async () => {
    const { service, receiver, requestsTo } = fixture;
    const api = await registerCallbackApi(service, { url: receiver.url('/deleted') });
    receiver.respond('/deleted', 503);
    const retries = queueOf(service, RETRY_QUEUE);
    await retries.pause();
    const ids = await fixture.send(api, 120);
    await service.logs.waitFor('callback.retrying', { service_id: api.serviceId }, { count: 120 });
    expect((await service.call('DELETE', fixture.pathOf(api))).status).toBe(204);
    const successor = await registerCallbackApi(service, {
      ...aCallbackApi({ url: receiver.url('/successor'), bearer_token: NEW_TOKEN }),
      serviceId: api.serviceId,
    });
    await retries.resume();
    const ended = await service.logs.waitFor(
      'callback.cancelled',
      { service_id: api.serviceId },
      { count: 120 },
    );
    expect(new Set(ended.map((line) => line['callback_id']))).toEqual(new Set(ids));
    await allFinished(service);
    expect(requestsTo('/deleted')).toHaveLength(120);
    expect(requestsTo('/successor')).toEqual([]);
    // The next callbacks go there.
    await fixture.send(successor, 1);
    await receiver.waitForRequests(1, { path: '/successor' });
  }, 60_000);
});

describe('a callback that waits for its endpoint’s one permit', () => {
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = await startFixture({ CALLBACK_ENDPOINT_CONCURRENCY: '1' });
  });

  afterAll(() => fixture.close());

  /** Sends callbacks to an endpoint that takes a second for each, and waits for the first request. */
  async function waiting(path: string): Promise<RegisteredCallbackApi> {
    const { service, receiver } = fixture;
    receiver.respond(path, delay(1_000));
    const api = await registerCallbackApi(service, { url: receiver.url(path) });
    const ids = await fixture.send(api, WAITING);
    await receiver.waitForRequests(1, { path });
    await fixture.inBatches(ids);
    return api;
  }

  it('uses the current URL of the endpoint', async () => {
    const { receiver } = fixture;
    const api = await waiting('/permit-old');
    const secret = await fixture.change(api, receiver.url('/permit-new'));
    await allFinished(fixture.service);
    const old = fixture.requestsTo('/permit-old');
    const moved = fixture.requestsTo('/permit-new');
    expect(old.length).toBeLessThanOrEqual(STALE);
    expect(old.length + moved.length).toBe(WAITING);
    fixture.expectNew(moved, secret);
  });

  it.each([
    ['callback.cancelled', 'DELETE', ''],
    ['callback.disabled', 'POST', '/disable'],
  ])('is not sent: %s', async (event, method, what) => {
    const { service } = fixture;
    const api = await waiting(`/${event}`);
    await service.call(method, fixture.pathOf(api) + what);
    await allFinished(service);
    const sent = fixture.requestsTo(`/${event}`).length;
    expect(sent).toBeLessThanOrEqual(STALE);
    expect(service.logs.events(event, { service_id: api.serviceId })).toHaveLength(WAITING - sent);
  });
});
