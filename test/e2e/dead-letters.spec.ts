import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAIN_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { SafetySweep } from '../../src/service-callbacks/relay/safety-sweep.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf, type DeadLetterView } from '../support/dead-letter-api.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { enqueueAs, RETRYING } from '../support/enqueue-as.js';
import { held } from '../support/held.js';
import { testedBackend } from '../support/queue-backend.js';
import { allFinished, queueOf } from '../support/queue-state.js';
import { startReceiver, status, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

describe('a callback that is given up', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, { CALLBACK_MAX_RETRIES: '1' });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  /** A new service, with its own path for its endpoint. */
  function register(path: string): Promise<RegisteredCallbackApi> {
    return registerCallbackApi(service, { url: receiver.url(path) });
  }

  const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);

  async function theLetter(serviceId: string, id: string): Promise<DeadLetterView> {
    await service.logs.waitForEnd(id);
    const { status: code, body } = await deadLettersOf(service, serviceId).get(id);
    expect(code).toBe(200);
    return body.data;
  }

  describe('has its reason and every attempt by time, duration and status or error', () => {
    const attempt = (result: object) => ({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      duration_ms: expect.any(Number),
      ...result,
    });

    it('not retried', async () => {
      const { serviceId, url, id: apiId } = await register('/refuses');
      receiver.respond('/refuses', 404);
      const { id } = await causeCallback(service, serviceId);
      expect(await theLetter(serviceId, id)).toMatchObject({
        id,
        service_id: serviceId,
        callback_api_id: apiId,
        callback_type: 'delivery_status',
        url,
        reason: 'not_retried',
        attempts_made: 1,
        attempts: [attempt({ status_code: 404 })],
        replay_requested_at: null,
        replayed_at: null,
      });
    });

    it('retries exhausted, by a status and by no response', async () => {
      const { serviceId } = await register('/fails');
      receiver.respond('/fails', [500, ({ socket }) => socket.resetAndDestroy()]);
      const { id } = await causeCallback(service, serviceId);
      expect(await theLetter(serviceId, id)).toMatchObject({
        reason: 'retries_exhausted',
        attempts: [attempt({ status_code: 500 }), attempt({ error: 'connection_reset' })],
      });
    });

    it('expired', async () => {
      const { serviceId } = await register('/late');
      const old = `generation_at = now() - interval '4 days'`;
      const id = await enqueueAs(service, serviceId, `${RETRYING}, ${old}`);
      await service.app.get(SafetySweep).sweep();
      expect(await theLetter(serviceId, id)).toMatchObject({
        reason: 'expired',
        attempts: [attempt({ status_code: 503, duration_ms: 7 })],
      });
      expect(requestsTo('/late')).toEqual([]);
    });

    it('cancelled, when its callback API is deleted meanwhile', async () => {
      const api = await register('/deleted');
      const gate = held(status(503));
      receiver.respond('/deleted', gate.behaviour);
      const { id } = await causeCallback(service, api.serviceId);
      await receiver.waitForRequests(1, { path: '/deleted' });
      await service.call('DELETE', `/service/${api.serviceId}/callback-api/${api.id}`);
      gate.release();
      expect(await theLetter(api.serviceId, id)).toMatchObject({
        reason: 'cancelled',
        attempts: [attempt({ status_code: 503 })],
      });
    });

    it('stalled, when worker after worker died under it', async () => {
      const { serviceId } = await register('/stalls');
      const id = await enqueueAs(service, serviceId, 'alone = true, stalls = 5');
      expect(await theLetter(serviceId, id)).toMatchObject({ reason: 'stalled', attempts_made: 0 });
      expect(requestsTo('/stalls')).toEqual([]);
    });

    it('unreadable, with the reason in words and nothing of its content', async () => {
      const { serviceId } = await register('/unreadable');
      const id = randomUUID();
      await queueOf(service, MAIN_QUEUE).add(
        'delivery_status',
        {
          callback_id: id,
          service_id: serviceId,
          callback_type: 'delivery_status',
          callback_api_id: 'x',
          subject_id: 'y',
          queued_at: Date.now(),
          document: 'nobody.can.open',
        },
        { jobId: id },
      );
      const letter = await theLetter(serviceId, id);
      expect(letter).toMatchObject({ reason: 'unreadable', url: null, attempts: [] });
      expect(letter.detail).toEqual(expect.any(String));
      expect(letter.detail).not.toContain('can.open');
    });

    it('leaves no job in a queue', async () => {
      await expect(allFinished(service)).resolves.toBeUndefined();
    });
  });

  it('is kept without the characters that PostgreSQL cannot store', async () => {
    const { serviceId } = await register('/nul');
    const id = randomUUID();
    const data = {
      callback_id: id,
      service_id: serviceId,
      // PostgreSQL’s own queue refuses these two when the job is added.
      callback_type: testedBackend() === 'redis' ? 'a\0type\uD800' : 'a type',
      callback_api_id: 'x',
      subject_id: 'y',
      queued_at: Number.MAX_SAFE_INTEGER,
      document: 'z',
    };
    await queueOf(service, MAIN_QUEUE).add('delivery_status', data, { jobId: id });
    await service.logs.waitFor('callback.unreadable', { level: 50 }, { count: 2 });
    await allFinished(service);
    expect(service.logs.events('callback.postponed')).toEqual([]);
  });

  describe('the list', () => {
    let serviceId: string;
    let apiId: string;
    let letters: readonly DeadLetterView[];

    beforeAll(async () => {
      ({ serviceId, id: apiId } = await register('/listed'));
      receiver.respond('/listed', [400, 404, 500]);
      for (let sent = 0; sent < 3; sent += 1) {
        const { id } = await causeCallback(service, serviceId);
        await service.logs.waitForEnd(id);
      }
      letters = (await deadLettersOf(service, serviceId).list()).body.data;
    });

    const idsOf = async (search: string) =>
      (await deadLettersOf(service, serviceId).list(search)).body.data.map(({ id }) => id);

    it('has the newest first, without their attempts', () => {
      expect(letters).toHaveLength(3);
      const times = letters.map((letter) => letter.given_up_at);
      expect(times).toEqual(times.toSorted().toReversed());
      expect(letters[0]).not.toHaveProperty('attempts');
    });

    it('is paged by a cursor that skips and repeats nothing', async () => {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const search: string = cursor === '' ? '?limit=1' : `?limit=1&cursor=${cursor}`;
        const { body } = await deadLettersOf(service, serviceId).list(search);
        seen.push(...body.data.map(({ id }) => id));
        cursor = body.next_cursor;
      }
      expect(seen).toEqual(letters.map(({ id }) => id));
    });

    it('is filtered by reason, callback API and time', async () => {
      const ids = letters.map(({ id }) => id);
      const exhausted = letters.filter((letter) => letter.reason === 'retries_exhausted').map(({ id }) => id);
      expect(exhausted).toHaveLength(1);
      expect(await idsOf('?reason=retries_exhausted')).toEqual(exhausted);
      expect(await idsOf(`?callback_api_id=${apiId}`)).toEqual(ids);
      expect(await idsOf(`?callback_api_id=${randomUUID()}`)).toEqual([]);
      const middle = letters[1]?.given_up_at ?? '';
      expect(await idsOf(`?since=${middle}`)).toEqual(ids.slice(0, 2));
      expect(await idsOf(`?until=${middle}`)).toEqual(ids.slice(2));
    });

    it('names all that is wrong with a query at once', async () => {
      const search = '?reason=bored&since=yesterday&cursor=made-up&limit=0&colour=red';
      const { status: code, body } = await deadLettersOf(service, serviceId).list(search);
      expect(code).toBe(400);
      const problem = (message: string) => ({
        error: 'ValidationError',
        message: expect.stringContaining(message),
      });
      expect(body).toMatchObject({
        errors: expect.arrayContaining([
          problem('reason "bored" is not one of'),
          problem('since is not an ISO 8601'),
          problem('cursor is not one of this list'),
          problem('limit is less than 1'),
          problem('colour is not accepted here'),
        ]),
      });
    });

    it('shows a service only its own dead letters', async () => {
      const id = letters[0]?.id ?? '';
      const stranger = deadLettersOf(service, randomUUID());
      expect((await stranger.list()).body.data).toEqual([]);
      expect((await stranger.get(id)).status).toBe(404);
      expect((await stranger.replay(id)).status).toBe(404);
      expect((await stranger.remove(id)).status).toBe(404);
      expect((await deadLettersOf(service, serviceId).get(id)).status).toBe(200);
    });

    it('no longer has a deleted one, whose payload is removed and whose history stays', async () => {
      const id = letters[2]?.id ?? '';
      const mine = deadLettersOf(service, serviceId);
      expect((await mine.remove(id)).status).toBe(204);
      expect((await mine.get(id)).status).toBe(404);
      expect((await mine.remove(id)).status).toBe(404);
      expect((await mine.replay(id)).status).toBe(404);
      expect(await idsOf('')).toEqual(letters.slice(0, 2).map((letter) => letter.id));
      expect(await query(database.url, 'SELECT FROM service_callback_payloads WHERE id = $1', [id])).toEqual(
        [],
      );
      expect(await callbacksOf(service, serviceId).get(id)).toMatchObject({
        status: 200,
        body: { data: { state: 'given_up', reason: 'not_retried', attempts: [{ status_code: 400 }] } },
      });
    });
  });
});
