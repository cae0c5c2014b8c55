import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { nothingStands } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

/** Replays a second, when many were asked for. */
const RATE = 5;

describe('a replay', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      CALLBACK_MAX_RETRIES: '1',
      CALLBACK_REPLAY_RATE: `${RATE}`,
    });
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

  it('goes to the URL and with the token of now, under the id it had', async () => {
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
    expect((await letters.get(id)).body.data.replayed_at).toEqual(expect.any(String));
  });

  it('pressed twice, also at the same moment, is sent once', async () => {
    const api = await register('/twice');
    receiver.respond('/twice', [404, 200]);
    const id = await givenUp(api);
    const letters = deadLettersOf(service, api.serviceId);
    const pressed = await Promise.all([letters.replay(id), letters.replay(id)]);
    expect(pressed.map(({ status }) => status)).toEqual([202, 202]);
    expect(pressed.filter(({ body }) => body.data.queued)).toHaveLength(1);
    await delivered(id);
    expect((await letters.replay(id)).body.data.queued).toBe(false);
    await nothingStands(service);
    expect(requestsTo('/twice')).toHaveLength(2);
  });

  it('of what was exhausted fails again, is replayed again, and is delivered once the endpoint answers', async () => {
    const api = await register('/flaky');
    // First life: an attempt and its retry; second life the same; then it answers.
    receiver.respond('/flaky', [500, 500, 500, 500, 200]);
    const id = await givenUp(api);
    const letters = deadLettersOf(service, api.serviceId);
    await letters.replay(id);
    await service.logs.waitFor('callback.retries_exhausted', { callback_id: id }, { count: 2 });
    expect((await letters.get(id)).body.data).toMatchObject({
      reason: 'retries_exhausted',
      attempts_made: 4,
      replayed_at: null,
    });
    await letters.replay(id);
    await delivered(id);
    await nothingStands(service);
    const ids = requestsTo('/flaky').map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([id, id, id, id, id]);
  });

  it('of what has nowhere to go now is refused, and says why', async () => {
    const api = await register('/gone');
    receiver.respond('/gone', 410);
    const id = await givenUp(api);
    await service.call('DELETE', `/service/${api.serviceId}/callback-api/${api.id}`);
    const letters = deadLettersOf(service, api.serviceId);
    const { status, body } = await letters.replay(id);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      errors: [{ error: 'ConflictError', message: expect.stringContaining('no callback API of type') }],
    });
    expect((await letters.get(id)).body.data.replayed_at).toBeNull();
  });

  it('of many answers how many, takes those the filter names, and drains at a bounded rate', async () => {
    const api = await register('/many');
    const count = 3 * RATE;
    receiver.respond('/many', [...Array.from({ length: count }, () => 404), 500, 500, 200]);
    const refused = [];
    for (let sent = 0; sent < count; sent += 1) refused.push(await givenUp(api));
    const exhausted = await givenUp(api);
    const letters = deadLettersOf(service, api.serviceId);
    const asked = { reason: 'not_retried', callback_api_id: api.id };
    expect((await letters.replayAll(asked)).body).toEqual({ data: { count } });
    expect((await letters.replayAll(asked)).body).toEqual({ data: { count: 0 } });
    await Promise.all(refused.map((id) => delivered(id)));
    await nothingStands(service);
    const replays = requestsTo('/many').slice(count + 2);
    expect(replays).toHaveLength(count);
    expect(new Set(replays.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(refused));
    // At least two whole intervals lie between the first of three batches and the third.
    expect((replays.at(-1)?.at ?? 0) - (replays[0]?.at ?? 0)).toBeGreaterThan(1_500);
    expect((await letters.get(exhausted)).body.data.replayed_at).toBeNull();
  });
});
