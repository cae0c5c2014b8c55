import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { SafetySweep } from '../../src/service-callbacks/relay/safety-sweep.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { givenUpRows } from '../support/given-up.js';
import { eventually } from '../support/eventually.js';
import { held } from '../support/held.js';
import type { LogLine } from '../support/logs.js';
import { allFinished, queuedJobs, queueOf } from '../support/queue-state.js';
import { startReceiver, status, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, sendCallbackTo } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const BASE_DELAY_MS = 20;
const MAX_DELAY_MS = 3_000;

/** The time until the next attempt, from the log. */
function delayOf(line: LogLine | undefined): number {
  return Date.parse(String(line?.['next_attempt_at'])) - Date.parse(String(line?.['time']));
}

describe('retries', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      CALLBACK_RETRY_DELAY_MS: `${BASE_DELAY_MS}`,
      CALLBACK_RETRY_MAX_DELAY_MS: `${MAX_DELAY_MS}`,
    });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);

  const inQueue = async (queue: string) =>
    (await queuedJobs(service)).filter((job) => job.startsWith(`${queue} `));

  it('succeed, with one id on every attempt, while the main queue is paused', async () => {
    const failure = held(status(503));
    receiver.respond('/recovers', [failure.behaviour, status(503), status(200)]);
    const { id } = await sendCallbackTo(service, receiver.url('/recovers'));
    await receiver.waitForRequests(1, { path: '/recovers' });
    const main = queueOf(service, MAIN_QUEUE);
    await main.pause();
    failure.release();

    const [line] = await service.logs.waitFor('callback.delivered', { callback_id: id });
    await main.resume();
    await allFinished(service);
    expect(line).toMatchObject({ attempt: 3, status_code: 200, level: 30 });
    expect(requestsTo('/recovers').map(({ headers }) => headers['webhook-id'])).toEqual([id, id, id]);
    expect(await givenUpRows(database.url)).not.toContainEqual(expect.objectContaining({ id }));
  });

  it('go through the retry queue, not the main queue', async () => {
    receiver.respond('/waits', [503, 200]);
    const retries = queueOf(service, RETRY_QUEUE);
    await retries.pause();
    const { id } = await sendCallbackTo(service, receiver.url('/waits'));
    await service.logs.waitFor('callback.retrying', { callback_id: id });
    await eventually(async () => expect(await inQueue(RETRY_QUEUE)).toHaveLength(1));

    // Another callback's first attempt goes by meanwhile.
    const other = await sendCallbackTo(service, receiver.url('/elsewhere'));
    await service.logs.waitFor('callback.delivered', { callback_id: other.id });
    await eventually(async () => expect(await inQueue(MAIN_QUEUE)).toEqual([]));
    expect(await inQueue(RETRY_QUEUE)).toHaveLength(1);
    expect(requestsTo('/waits')).toHaveLength(1);
    await retries.resume();
    await service.logs.waitFor('callback.delivered', { callback_id: id });
  });

  describe('Retry-After', () => {
    const cases: readonly [string, number, () => string, number, number][] = [
      ['seconds on a 503', 503, () => '1', 1_000, 1_000],
      ['seconds on a 429', 429, () => '1', 1_000, 1_000],
      // A date has no fractions of a second.
      ['a date', 503, () => new Date(Date.now() + 2_000).toUTCString(), 500, 2_000],
      ['less than the backoff', 503, () => '0', BASE_DELAY_MS / 2, BASE_DELAY_MS],
      ['nonsense', 503, () => 'soon', BASE_DELAY_MS / 2, BASE_DELAY_MS],
      ['seconds on a 500, where it means nothing', 500, () => '1', BASE_DELAY_MS / 2, BASE_DELAY_MS],
    ];

    it.each(cases)('%s', async (name, code, retryAfter, atLeast, atMost) => {
      const path = `/${name.replaceAll(/\W/g, '-')}`;
      receiver.respond(path, [status(code, { headers: { 'retry-after': retryAfter() } }), status(200)]);
      const { id } = await sendCallbackTo(service, receiver.url(path));

      const [line] = await service.logs.waitFor('callback.retrying', { callback_id: id });
      // The delay began some time before the line was written.
      expect(delayOf(line)).toBeGreaterThan(atLeast - 500);
      expect(delayOf(line)).toBeLessThanOrEqual(atMost);
      await service.logs.waitFor('callback.delivered', { callback_id: id });
      const [first, second] = requestsTo(path);
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(atLeast);
    });

    it('of more than an hour holds the endpoint for an hour', async () => {
      receiver.respond('/for-days', status(503, { headers: { 'retry-after': '86400' } }));
      const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/for-days') });
      await causeCallback(service, serviceId);
      const [line] = await service.logs.waitFor('endpoint.held', { callback_api_id: id });
      expect(line).toMatchObject({ reason: 'retry_after' });
      expect(delayOf(line)).toBeGreaterThan(3_600_000 - 5_000);
      expect(delayOf(line)).toBeLessThanOrEqual(3_600_000);
      // Otherwise its callback would wait for an hour.
      await service.call('DELETE', `/service/${serviceId}/callback-api/${id}`);
    });
  });

  it('use the current token and URL', async () => {
    const failure = held(status(503));
    receiver.respond('/before', failure.behaviour);
    const api = await registerCallbackApi(service, { url: receiver.url('/before') });
    const { id } = await causeCallback(service, api.serviceId);
    await receiver.waitForRequests(1, { path: '/before' });
    await service.call('POST', `/service/${api.serviceId}/callback-api/${api.id}`, {
      url: receiver.url('/after'),
      bearer_token: 'a-token-that-was-rotated',
      updated_by_id: api.id,
    });
    failure.release();

    const [line] = await service.logs.waitFor('callback.delivered', { callback_id: id });
    expect(line).toMatchObject({ attempt: 2, service_callback_url: receiver.url('/after') });
    const [retry] = requestsTo('/after');
    expect(retry?.headers).toMatchObject({
      authorization: 'Bearer a-token-that-was-rotated',
      'webhook-id': id,
    });
    expect(retry?.body).toBe(requestsTo('/before')[0]?.body);
    expect(requestsTo('/before')).toHaveLength(1);
  });

  it('end if the endpoint was deleted meanwhile', async () => {
    const failure = held(status(503));
    receiver.respond('/deleted', failure.behaviour);
    const api = await registerCallbackApi(service, { url: receiver.url('/deleted') });
    const { id } = await causeCallback(service, api.serviceId);
    await receiver.waitForRequests(1, { path: '/deleted' });
    await service.call('DELETE', `/service/${api.serviceId}/callback-api/${api.id}`);
    failure.release();

    const line = await service.logs.waitForEnd(id);
    await allFinished(service);
    expect(line).toMatchObject({ event: 'callback.cancelled', level: 40, attempt: 1 });
    expect(requestsTo('/deleted')).toHaveLength(1);
    expect(await givenUpRows(database.url)).toContainEqual(
      expect.objectContaining({
        id,
        reason: 'cancelled',
        attempts: [expect.objectContaining({ status_code: 503 })],
      }),
    );
  });
});

describe('the end of retries', () => {
  const closers: (() => Promise<void>)[] = [];
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = await startReceiver();
    receiver.respond('/down', 503);
  });

  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  afterAll(() => receiver.close());

  async function serviceWith(environment: Environment) {
    const database = await createTestDatabase();
    const service = await startTestService(database.url, environment);
    closers.push(
      () => service.stop(),
      () => database.drop(),
    );
    return { service, database };
  }

  it('comes after the first attempt if there are no retries', async () => {
    const { service, database } = await serviceWith({ CALLBACK_MAX_RETRIES: '0' });
    const { id } = await sendCallbackTo(service, receiver.url('/down'));

    const line = await service.logs.waitForEnd(id);
    await allFinished(service);
    expect(line).toMatchObject({
      event: 'callback.retries_exhausted',
      attempt: 1,
      status_code: 503,
      level: 40,
    });
    expect(service.logs.events('callback.retrying')).toEqual([]);
    expect(await givenUpRows(database.url)).toEqual([
      expect.objectContaining({ id, reason: 'retries_exhausted' }),
    ]);
  });

  it('comes past the maximum age, without another attempt', async () => {
    const { service, database } = await serviceWith({
      CALLBACK_RETRY_DELAY_MS: '3600000',
      CALLBACK_RETRY_MAX_DELAY_MS: '3600000',
    });
    const { id } = await sendCallbackTo(service, receiver.url('/down'));
    await service.logs.waitFor('callback.retrying', { callback_id: id });
    await query(
      database.url,
      `UPDATE service_callbacks SET generation_at = now() - interval '4 days' WHERE id = $1`,
      [id],
    );
    await service.app.get(SafetySweep).sweep();

    const line = await service.logs.waitForEnd(id);
    await allFinished(service);
    expect(line).toMatchObject({ event: 'callback.expired', attempt: 1, status_code: 503, level: 40 });
    expect(receiver.requests.filter(({ headers }) => headers['webhook-id'] === id)).toHaveLength(1);
    expect(await givenUpRows(database.url)).toEqual([
      expect.objectContaining({
        id,
        reason: 'expired',
        attempts: [expect.objectContaining({ status_code: 503 })],
      }),
    ]);
  });
});
