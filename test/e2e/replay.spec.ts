import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeadLetterRepository } from '../../src/service-callbacks/dead-letters/dead-letter.repository.js';
import { ReplayRunRepository } from '../../src/service-callbacks/dead-letters/replay-run.repository.js';
import { MAIN_QUEUE } from '../../src/queues/queue-names.js';
import { deliveryStatus } from '../../src/service-callbacks/callback-types/delivery-status.js';
import { documentBinding } from '../../src/service-callbacks/delivery/callback-job.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { eventually } from '../support/eventually.js';
import { queueEnvironment } from '../support/queue-backend.js';
import { nothingStands, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { query } from '../support/sql.js';
import {
  startTestService,
  TEST_ENVIRONMENT,
  type Environment,
  type TestService,
} from '../support/service.js';

/** Replays a second, when many were asked for. */
const RATE = 5;

/** Somebody's update that another's row lock holds up. */
const WAITS_FOR_A_LETTER = `SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%service_callback_dead_letters%'`;

describe('a replay', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let queue: Environment;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    queue = await queueEnvironment();
    service = await startTestService(database.url, {
      ...queue,
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

  it('is behind it when the same news is sent anew and fails again: that is kept as well', async () => {
    const { serviceId } = await register('/anew');
    receiver.respond('/anew', [404, 200, 404, 200]);
    const producer = service.app.get(ServiceCallbacksProducer);
    const news = aNotification({ serviceId });
    const letters = deadLettersOf(service, serviceId);
    const failed = { service_id: serviceId };
    await producer.sendDeliveryStatus(news);
    const [first] = await service.logs.waitFor('callback.not_retried', failed);
    const id = String(first?.['callback_id']);
    await letters.replay(id);
    await delivered(id);
    await nothingStands(service);

    await producer.sendDeliveryStatus(news);
    await service.logs.waitFor('callback.not_retried', failed, { count: 2 });
    expect((await letters.get(id)).body.data.replayed_at).toBeNull();
    await letters.replay(id);
    await service.logs.waitFor('callback.delivered', { callback_id: id }, { count: 2 });
    expect(new Set(requestsTo('/anew').map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
  });

  it('of many, asked for while one of them is being replayed, leaves that one alone', async () => {
    const { serviceId } = await register('/raced');
    receiver.respond('/raced', 404);
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitForEnd(id);
    const repository = service.app.get(DeadLetterRepository, { strict: false });
    const { asking } = await repository.transaction(async (manager) => {
      await repository.lock(serviceId, id, manager);
      const started = repository.startReplay({ serviceId }, {}, new Date());
      await eventually(async () => {
        expect(await query(database.url, WAITS_FOR_A_LETTER)).toHaveLength(1);
      });
      await repository.update(id, { replayedAt: new Date() }, manager);
      return { asking: started };
    });
    expect(await asking).toMatchObject({ total: 0 });
    expect((await deadLettersOf(service, serviceId).get(id)).body.data.replay_requested_at).toBeNull();
  });

  it('of what was sealed under a key that is gone is refused by the key’s name, and sent once it is back', async () => {
    const api = await register('/retired-key');
    const key = `retired:${Buffer.alloc(32, 9).toString('base64')}`;
    const id = randomUUID();
    const payload = deliveryStatus.payload(aNotification({ serviceId: api.serviceId }));
    const document = { v: 1, url: api.url, bearer_token: api.bearerToken, payload };
    await queueOf(service, MAIN_QUEUE).add('delivery_status', {
      v: 1,
      callback_id: id,
      service_id: api.serviceId,
      callback_type: 'delivery_status',
      callback_api_id: api.id,
      subject_id: randomUUID(),
      queued_at: Date.now(),
      generation: 0,
      attempts: [],
      document: new PayloadCipher([key]).encrypt(JSON.stringify(document), documentBinding(id)),
    });
    await service.logs.waitFor('callback.unreadable', { callback_id: id });
    const { status, body } = await deadLettersOf(service, api.serviceId).replay(id);
    expect(status).toBe(409);
    expect(body.errors[0]?.message).toContain('retired');

    const restored = await startTestService(database.url, {
      CALLBACK_ENCRYPTION_KEYS: `${TEST_ENVIRONMENT['CALLBACK_ENCRYPTION_KEYS']},${key}`,
      PROCESS_ROLE: 'api',
      ...queue,
    });
    try {
      expect(await deadLettersOf(restored, api.serviceId).replay(id)).toMatchObject({ status: 202 });
      // Sealed anew, under the key that everybody has.
      await receiver.waitForRequests(1, { path: '/retired-key' });
    } finally {
      await restored.stop();
    }
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

  it('of many is counted as it goes, and can be stopped: what is still to come stays a dead letter', async () => {
    const api = await register('/stopped');
    const count = 4 * RATE;
    receiver.respond('/stopped', [...Array.from({ length: count }, () => 404), 200]);
    for (let sent = 0; sent < count; sent += 1) await givenUp(api);
    const scope = { serviceId: api.serviceId };
    const runs = service.app.get(ReplayRunRepository, { strict: false });
    const repository = service.app.get(DeadLetterRepository, { strict: false });
    const { id, total } = await repository.startReplay(scope, {}, new Date());
    expect(total).toBe(count);
    await eventually(async () => expect((await runs.find(scope, id))?.queued).toBeGreaterThan(0));
    expect((await runs.running(scope)).map((run) => run.id)).toEqual([id]);
    expect(await runs.stop({ serviceId: 'another' }, id, new Date())).toBe(false);
    expect(await runs.stop(scope, id, new Date())).toBe(true);

    const stopped = await runs.find(scope, id);
    expect(stopped).toMatchObject({ total: count, waiting: 0, refused: 0, stoppedAt: expect.any(Date) });
    await nothingStands(service);
    expect(requestsTo('/stopped')).toHaveLength(count + (stopped?.queued ?? 0));
    expect(await repository.countReplayable(scope, {})).toBe(count - (stopped?.queued ?? 0));
    expect(await runs.running(scope)).toEqual([]);
  });
});
