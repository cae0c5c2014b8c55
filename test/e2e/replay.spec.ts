import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CallbackRepository } from '../../src/service-callbacks/callbacks/callback.repository.js';
import { ReplayRunRepository } from '../../src/service-callbacks/replay/replay-run.repository.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { eventually } from '../support/eventually.js';
import { startServiceProcess } from '../support/faults/service-process.js';
import { queueEnvironment } from '../support/queue-backend.js';
import { allFinished } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { query } from '../support/sql.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';

/** Replays a second, when many were requested. */
const RATE = 5;

/** An update that a row lock of another connection holds up. */
const WAITS_FOR_A_LETTER = `SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%service_callbacks%'`;

describe('a replay', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let environment: Environment;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    environment = {
      ...(await queueEnvironment()),
      CALLBACK_MAX_RETRIES: '1',
      CALLBACK_REPLAY_RATE: `${RATE}`,
    };
    service = await startTestService(database.url, environment);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  function register(path: string): Promise<RegisteredCallbackApi> {
    return registerCallbackApi(service, { url: receiver.url(path) });
  }

  const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);

  async function givenUp({ serviceId }: RegisteredCallbackApi): Promise<string> {
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitForEnd(id);
    return id;
  }

  const delivered = (id: string) => service.logs.waitFor('callback.delivered', { callback_id: id });

  it('uses the current URL and token, and the same id', async () => {
    const api = await register('/old');
    receiver.respond('/old', 404);
    const id = await givenUp(api);
    await service.call('POST', `/service/${api.serviceId}/callback-api/${api.id}`, {
      updated_by_id: api.id,
      url: receiver.url('/new'),
      bearer_token: 'another-token-of-the-service',
    });
    const letters = deadLettersOf(service, api.serviceId);
    expect(await letters.replay(id)).toMatchObject({ status: 202, body: { data: { id, queued: true } } });
    await delivered(id);
    const [first] = requestsTo('/old');
    const [replayed] = requestsTo('/new');
    expect(replayed?.headers).toMatchObject({
      'webhook-id': id,
      authorization: 'Bearer another-token-of-the-service',
    });
    expect(replayed?.body).toBe(first?.body);
    // It is no dead letter any more, and has its history.
    expect((await letters.get(id)).status).toBe(404);
    expect((await letters.list()).body.data).toEqual([]);
    expect((await callbacksOf(service, api.serviceId).get(id)).body.data).toMatchObject({
      state: 'delivered',
      generation: 1,
      attempts: [{ status_code: 404 }, { status_code: 200 }],
    });
  });

  it('requested twice, also at the same moment, is sent once', async () => {
    const api = await register('/twice');
    receiver.respond('/twice', [404, 200]);
    const id = await givenUp(api);
    const letters = deadLettersOf(service, api.serviceId);
    const pressed = await Promise.all([letters.replay(id), letters.replay(id)]);
    expect(pressed.map(({ status }) => status)).toEqual([202, 202]);
    expect(pressed.filter(({ body }) => body.data.queued)).toHaveLength(1);
    await delivered(id);
    expect((await letters.replay(id)).body.data.queued).toBe(false);
    await allFinished(service);
    expect(requestsTo('/twice')).toHaveLength(2);
  });

  it('that fails again can be replayed again, until the endpoint responds', async () => {
    const api = await register('/flaky');
    // The first generation fails twice, and so does the second; then the endpoint responds.
    receiver.respond('/flaky', [500, 500, 500, 500, 200]);
    const id = await givenUp(api);
    const letters = deadLettersOf(service, api.serviceId);
    await letters.replay(id);
    await service.logs.waitFor('callback.retries_exhausted', { callback_id: id }, { count: 2 });
    expect((await letters.get(id)).body.data).toMatchObject({
      reason: 'retries_exhausted',
      attempts_made: 4,
      replay_requested_at: null,
    });
    await letters.replay(id);
    await delivered(id);
    await allFinished(service);
    const ids = requestsTo('/flaky').map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([id, id, id, id, id]);
  });

  it('keeps its news: the same news is a duplicate', async () => {
    const { serviceId } = await register('/anew');
    receiver.respond('/anew', [404, 200]);
    const producer = service.app.get(ServiceCallbacksProducer);
    const news = aNotification({ serviceId });
    const sent = await producer.sendDeliveryStatus(news);
    if (!sent.queued) throw new Error(sent.reason);
    const duplicate = { queued: false, reason: 'duplicate', id: sent.id };
    await service.logs.waitForEnd(sent.id);
    expect(await producer.sendDeliveryStatus(news)).toEqual(duplicate);
    await deadLettersOf(service, serviceId).replay(sent.id);
    await delivered(sent.id);
    expect(await producer.sendDeliveryStatus(news)).toEqual(duplicate);
    await allFinished(service);
    expect(requestsTo('/anew').map(({ headers }) => headers['webhook-id'])).toEqual([sent.id, sent.id]);
  });

  it('of many leaves out a callback that is being replayed', async () => {
    const api = await register('/raced');
    receiver.respond('/raced', 404);
    const id = await givenUp(api);
    const callbacks = service.app.get(CallbackRepository, { strict: false });
    const runs = service.app.get(ReplayRunRepository, { strict: false });
    const { asking } = await service.app.get(DataSource).transaction(async (manager) => {
      await callbacks.replay([id], 1, manager);
      const started = runs.start({ serviceId: api.serviceId }, { state: 'given_up' });
      await eventually(async () => {
        expect(await query(database.url, WAITS_FOR_A_LETTER)).toHaveLength(1);
      });
      return { asking: started };
    });
    expect(await asking).toMatchObject({ total: 0 });
    await service.logs.waitFor('callback.not_retried', { callback_id: id }, { count: 2 });
    await allFinished(service);
    expect(requestsTo('/raced')).toHaveLength(2);
    expect((await deadLettersOf(service, api.serviceId).get(id)).body.data.replay_requested_at).toBeNull();
  });

  it('of a delivered callback sends the same bytes under the same id', async () => {
    const { serviceId } = await register('/again');
    const { id } = await causeCallback(service, serviceId);
    await delivered(id);
    const path = `/service/${serviceId}/callbacks/${id}/replay`;
    expect(await service.call('POST', path)).toMatchObject({ status: 202, body: { data: { queued: true } } });
    await service.logs.waitFor('callback.delivered', { callback_id: id }, { count: 2 });
    const [first, replayed, ...more] = requestsTo('/again');
    expect(first?.body).toMatch(/^\{"id":/);
    expect(replayed?.body).toBe(first?.body);
    expect(replayed?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(more).toEqual([]);
  });

  it('with a 410 as its response disables the endpoint', async () => {
    const api = await register('/gone-later');
    receiver.respond('/gone-later', [404, 410]);
    await deadLettersOf(service, api.serviceId).replay(await givenUp(api));
    const [line] = await service.logs.waitFor('endpoint.disabled', { callback_api_id: api.id });
    expect(line).toMatchObject({ reason: 'gone' });
  });

  it('is refused with the reason if the endpoint is gone', async () => {
    const api = await register('/gone');
    receiver.respond('/gone', 410);
    const id = await givenUp(api);
    await service.call('DELETE', `/service/${api.serviceId}/callback-api/${api.id}`);
    const letters = deadLettersOf(service, api.serviceId);
    const { status, body } = await letters.replay(id);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      errors: [{ error: 'ConflictError', message: expect.stringContaining('its callback API was deleted') }],
    });
    expect((await letters.get(id)).status).toBe(200);
  });

  it('of many needs a body: without one nothing is replayed, {} is all of them', async () => {
    const api = await register('/all');
    receiver.respond('/all', [404, 200]);
    const id = await givenUp(api);
    const letters = deadLettersOf(service, api.serviceId);
    for (const what of ['dead-letters', 'callbacks'])
      // No body, and an empty body of the type JSON.
      for (const nothing of [undefined, '']) {
        const refused = await service.call('POST', `/service/${api.serviceId}/${what}/replay`, nothing);
        const message = expect.stringMatching(/^the body is (empty|not a JSON object)/);
        expect(refused).toMatchObject({
          status: 400,
          body: { errors: [{ error: 'ValidationError', message }] },
        });
      }
    expect((await letters.get(id)).body.data.replay_requested_at).toBeNull();
    expect((await letters.replayAll({ preview: true })).body).toEqual({ data: { count: 1 } });
    expect((await letters.get(id)).body.data.replay_requested_at).toBeNull();
    const run = { count: 1, replay_id: expect.any(String) };
    expect((await letters.replayAll({})).body).toEqual({ data: run });
    await delivered(id);
  });

  it('of many by time is of those that finished in it, whenever they were accepted', async () => {
    const { serviceId } = await register('/span');
    const finished = async () => {
      const { id } = await causeCallback(service, serviceId);
      await delivered(id);
      await query(
        database.url,
        `UPDATE service_callbacks SET queued_at = queued_at - interval '1 hour' WHERE id = $1`,
        [id],
      );
      const { body } = await callbacksOf(service, serviceId).get(id);
      return { id, at: body.data.finished_at };
    };
    const [first, second] = [await finished(), await finished()];
    const replayed = async (body: object) =>
      (
        await service.call<{ data: { count: number } }>(
          'POST',
          `/service/${serviceId}/callbacks/replay`,
          body,
        )
      ).body.data.count;
    expect(await replayed({ since: first.at, preview: true })).toBe(2);
    expect(await replayed({ until: first.at, preview: true })).toBe(0);
    expect(await replayed({ since: first.at, until: second.at })).toBe(1);
    await service.logs.waitFor('callback.delivered', { callback_id: first.id }, { count: 2 });
    await allFinished(service);
    const ids = requestsTo('/span').map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([first.id, second.id, first.id]);
  });

  it('of many has one rate over all processes', async () => {
    const api = await register('/by-two');
    const count = 3 * RATE;
    receiver.respond('/by-two', [...Array.from({ length: count }, () => 404), 200]);
    for (let sent = 0; sent < count; sent += 1) await givenUp(api);
    const other = await startServiceProcess({ ...environment, DATABASE_URL: database.url });
    try {
      await deadLettersOf(service, api.serviceId).replayAll({});
      await receiver.waitForRequests(2 * count, { path: '/by-two', timeoutMs: 20_000 });
      await allFinished(service);
    } finally {
      await other.kill();
    }
    const { data } = (await callbacksOf(service, api.serviceId).list()).body;
    const times = data.map(({ replayed_at: at }) => Date.parse(at ?? '')).toSorted((one, next) => one - next);
    const seconds = times.slice(RATE).map((time, index) => time - (times[index] ?? 0));
    expect(seconds).toHaveLength(count - RATE);
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(900);
  }, 120_000);

  it('of many returns the number that match the filter, and sends them at a bounded rate', async () => {
    const api = await register('/many');
    const count = 3 * RATE;
    receiver.respond('/many', [...Array.from({ length: count }, () => 404), 500, 500, 200]);
    const refused = [];
    for (let sent = 0; sent < count; sent += 1) refused.push(await givenUp(api));
    const exhausted = await givenUp(api);
    const letters = deadLettersOf(service, api.serviceId);
    const asked = { reason: 'not_retried', callback_api_id: api.id };
    expect((await letters.replayAll(asked)).body).toMatchObject({ data: { count } });
    expect((await letters.replayAll(asked)).body).toEqual({ data: { count: 0, replay_id: null } });
    await Promise.all(refused.map((id) => delivered(id)));
    await allFinished(service);
    const replays = requestsTo('/many').slice(count + 2);
    expect(replays).toHaveLength(count);
    expect(new Set(replays.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(refused));
    // At least two whole intervals lie between the first of three batches and the third.
    expect((replays.at(-1)?.at ?? 0) - (replays[0]?.at ?? 0)).toBeGreaterThan(1_500);
    const left = (await letters.list()).body.data;
    expect(left.map(({ id, replay_requested_at: requestedAt }) => [id, requestedAt])).toEqual([
      [exhausted, null],
    ]);
  });

  it('of many shows its progress, and can be stopped: callbacks that are not queued stay dead letters', async () => {
    const api = await register('/stopped');
    const count = 4 * RATE;
    receiver.respond('/stopped', [...Array.from({ length: count }, () => 404), 200]);
    for (let sent = 0; sent < count; sent += 1) await givenUp(api);
    const scope = { serviceId: api.serviceId };
    const runs = service.app.get(ReplayRunRepository, { strict: false });
    const { id, total } = await runs.start(scope, { state: 'given_up' });
    expect(total).toBe(count);
    await eventually(async () => expect((await runs.find(scope, id))?.queued).toBeGreaterThan(0));
    expect((await runs.running(scope)).map((run) => run.id)).toEqual([id]);
    expect(await runs.stop({ serviceId: 'another' }, id, new Date())).toBe(false);
    expect(await runs.stop(scope, id, new Date())).toBe(true);

    const stopped = await runs.find(scope, id);
    expect(stopped).toMatchObject({ total: count, waiting: 0, refused: 0, stoppedAt: expect.any(Date) });
    await allFinished(service);
    expect(requestsTo('/stopped')).toHaveLength(count + (stopped?.queued ?? 0));
    expect(await runs.preview(scope, { state: 'given_up' })).toBe(count - (stopped?.queued ?? 0));
    expect(await runs.running(scope)).toEqual([]);
    // What was on its way went on.
    const arrived = { delivered: stopped?.queued, underWay: 0, givenUp: 0 };
    await eventually(async () => expect(await runs.find(scope, id)).toMatchObject(arrived));
  });
});
