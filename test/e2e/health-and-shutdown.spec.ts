import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CallbackApisService, ServiceCallbacksProducer } from '../../src/index.js';
import { QueueBackend } from '../../src/service-callbacks/queues/queue-backend.js';
import { Workers } from '../../src/service-callbacks/delivery/workers.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startServiceProcess, type ServiceProcess } from '../support/faults/service-process.js';
import { startHost } from '../support/delivering-host.js';
import { held } from '../support/held.js';
import { queueEnvironment, testedBackend } from '../support/queue-backend.js';
import { allFinished } from '../support/queue-state.js';
import { delay, hang, startReceiver, status, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, sendCallbackTo } from '../support/scenario.js';
import { query } from '../support/sql.js';
import { startTestService, type Environment, type RestApi, type TestService } from '../support/service.js';

/** Processes start slowly on a machine that does other things as well. */
const TIMEOUT_MS = 120_000;
/** The deadline of an attempt, and the time in which a busy machine closes everything. */
const STOPPED_WITHIN_MS = 5_000 + 3_000;
/** A request that was begun before the stop arrives within this; attempts that end later free a permit each, ms. */
const ON_THE_WIRE_MS = 400;
/** A job of a stopped worker returns when its lock has expired, 30 s, and stalled jobs are looked for, every 15 s. */
const JOB_RETURNS_WITHIN_MS = 60_000;

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function databaseOf(): Promise<string> {
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  return database.url;
}

async function serviceOn(databaseUrl: string, environment: Environment = {}): Promise<TestService> {
  const service = await startTestService(databaseUrl, environment);
  closers.push(() => service.stop().catch(() => undefined));
  return service;
}

async function processWith(environment: Environment): Promise<ServiceProcess> {
  const started = await startServiceProcess(environment);
  closers.push(() => started.kill());
  return started;
}

const ready = (api: RestApi) => api.call('GET', '/health/ready');

describe('health', () => {
  it('is good while everything works', async () => {
    const service = await serviceOn(await databaseOf());
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
    expect(await ready(service)).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        details: { database: { status: 'up' }, queue: { status: 'up' }, worker: { status: 'up' } },
      },
    });
    expect((await ready(service)).headers.get('cache-control')).toBe('no-store');
  });

  it('names the database when it is unavailable', async () => {
    const service = await serviceOn(await databaseOf());
    await service.app.get(DataSource).destroy();
    expect(await ready(service)).toMatchObject(down('database'));
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
  });

  it('names the database if it is read-only', async () => {
    const direct = await databaseOf();
    const url = new URL(direct);
    url.searchParams.set('options', '-c default_transaction_read_only=on');
    const service = await serviceOn(url.href, { DATABASE_DIRECT_URL: direct, PROCESS_ROLE: 'api' });
    expect(await ready(service)).toMatchObject({
      status: 503,
      body: { details: { database: { status: 'down', message: 'the database is read-only' } } },
    });
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
  });

  it('names the worker if it takes no jobs', async () => {
    const service = await serviceOn(await databaseOf());
    await service.app.get(Workers).beforeApplicationShutdown();
    expect(await ready(service)).toMatchObject(down('worker'));
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
  });

  it('names the queue if it cannot be used', async () => {
    const service = await serviceOn(await databaseOf());
    await takeQueueAway(service);
    expect(await ready(service)).toMatchObject(down('queue'));
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
  });

  it('of a process that only accepts callbacks needs no queue: they wait in the database', async () => {
    const service = await serviceOn(await databaseOf(), { PROCESS_ROLE: 'api' });
    await takeQueueAway(service);
    expect(await ready(service)).toMatchObject({
      status: 200,
      body: { details: { database: { status: 'up' } } },
    });
    expect((await ready(service)).body).not.toHaveProperty('details.queue');
    const { serviceId } = await registerCallbackApi(service, { url: 'http://127.0.0.1:9/' });
    await expect(causeCallback(service, serviceId)).resolves.toHaveProperty('id');
  });
});

function down(part: string) {
  return { status: 503, body: { details: { [part]: { status: 'down', message: expect.any(String) } } } };
}

/** What only the queue notices. */
async function takeQueueAway({ app }: TestService): Promise<void> {
  if (testedBackend() === 'redis') await app.get(QueueBackend).close();
  else await app.get(DataSource).query('ALTER SCHEMA bullmq RENAME TO bullmq_away');
}

describe('the process', () => {
  let receiver: Receiver;
  let queue: Environment;

  beforeAll(async () => {
    receiver = await startReceiver();
    queue = await queueEnvironment();
  });

  afterAll(() => receiver.close());

  const requestsTo = (path: string) => receiver.requests.filter((request) => request.path === path);

  /** Sends the signal and waits until the process has begun to stop. */
  async function stopping(service: ServiceProcess): Promise<void> {
    service.signal('SIGTERM');
    await eventually(async () => {
      expect(await ready(service)).toMatchObject({ status: 503 });
    });
  }

  it(
    'lets attempts in flight finish on SIGTERM, exits 0 and repeats nothing',
    async () => {
      const url = await databaseOf();
      const service = await processWith({ ...queue, DATABASE_URL: url, CALLBACK_TIMEOUT_MS: '60000' });
      const response = held(status(200));
      receiver.respond('/in-flight', response.behaviour);
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/in-flight') });
      const sent = await Promise.all([1, 2, 3].map(() => causeCallback(service, serviceId)));
      await receiver.waitForRequests(3, { path: '/in-flight' });

      await stopping(service);
      // Why the stop takes long can be read while it does.
      await service.logs.waitFor('service.stopping', { why: 'SIGTERM', in_flight: 3 });
      response.release();
      expect(await service.ended).toEqual({ code: 0, signal: null });
      expect(service.logs.events('service.stopped')).toMatchObject([{ duration_ms: expect.any(Number) }]);
      for (const { id } of sent) {
        expect(service.logs.events('callback.delivered', { callback_id: id, attempt: 1 })).toHaveLength(1);
      }
      expect(service.logs.errors()).toEqual([]);

      // The next one finds nothing to do.
      await allFinished(await serviceOn(url, queue), JOB_RETURNS_WITHIN_MS);
      expect(requestsTo('/in-flight')).toHaveLength(3);
    },
    TIMEOUT_MS,
  );

  it(
    'stops in bounded time while clients have sent half a request',
    async () => {
      const service = await processWith({ ...queue, DATABASE_URL: await databaseOf() });
      const port = Number(new URL(service.url).port);
      for (const half of ['GET /health/li', 'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{']) {
        const client = connect(port, '127.0.0.1').on('error', () => undefined);
        closers.push(async () => client.destroy());
        await once(client, 'connect');
        client.write(half);
      }
      service.signal('SIGTERM');
      expect(await service.ended).toEqual({ code: 0, signal: null });
      const [stopped] = service.logs.events('service.stopped');
      expect(stopped?.['duration_ms']).toBeLessThan(STOPPED_WITHIN_MS);
    },
    TIMEOUT_MS,
  );

  it(
    'waits for nothing on a second signal, and loses nothing',
    async () => {
      const url = await databaseOf();
      const environment = { ...queue, DATABASE_URL: url, CALLBACK_TIMEOUT_MS: '60000' };
      const service = await processWith(environment);
      receiver.respond('/hangs', [hang(), status(200)]);
      const { id } = await sendCallbackTo(service, receiver.url('/hangs'));
      await receiver.waitForRequests(1, { path: '/hangs' });

      await stopping(service);
      service.signal('SIGTERM');
      expect(await service.ended).toEqual({ code: 1, signal: null });

      const next = await processWith(environment);
      await next.logs.waitFor('callback.delivered', { callback_id: id });
      expect(requestsTo('/hangs').map(({ headers }) => headers['webhook-id'])).toEqual([id, id]);
    },
    TIMEOUT_MS,
  );

  /** What a stop has left of the callbacks of a database: how many are in each state, and the attempts on record. */
  async function left(url: string): Promise<{ states: Record<string, number>; attempts: number }> {
    const rows = await query<{ state: string; count: number; attempts: number }>(
      url,
      `SELECT state, count(*)::int AS count, sum(attempt_count)::int AS attempts FROM service_callbacks
       GROUP BY state`,
    );
    return {
      states: Object.fromEntries(rows.map(({ state, count }) => [state, count])),
      attempts: rows.reduce((sum, { attempts }) => sum + attempts, 0),
    };
  }

  /** Sent callbacks are delivered, and all others are open. */
  async function noneLost(url: string, all: number, sent: number): Promise<void> {
    const { states, attempts } = await left(url);
    const { delivered, pending = 0, queued = 0, scheduled = 0 } = states;
    expect({ delivered, attempts, open: pending + queued + scheduled }).toEqual({
      delivered: sent,
      attempts: sent,
      open: all - sent,
    });
  }

  /** Resolves when every callback of a database was taken. */
  const allTaken = (url: string) =>
    eventually(async () => expect((await left(url)).states).not.toHaveProperty('pending'));

  it(
    'stops while callbacks wait for the one permit of their endpoint: they go back unsent, and none is lost',
    async () => {
      const url = await databaseOf();
      const environment = { ...queue, DATABASE_URL: url };
      const service = await processWith({ ...environment, CALLBACK_ENDPOINT_CONCURRENCY: '1' });
      receiver.respond('/one-permit', delay(1_500));
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/one-permit') });
      await Promise.all(Array.from({ length: 60 }, () => causeCallback(service, serviceId)));
      await allTaken(url);
      await receiver.waitForRequests(1, { path: '/one-permit' });

      const before = requestsTo('/one-permit').length;
      service.signal('SIGTERM');
      expect(await service.ended).toEqual({ code: 0, signal: null });
      const [stopped] = service.logs.events('service.stopped');
      // An attempt takes 1.5 s, and never longer than its deadline of 5 s.
      expect(stopped?.['duration_ms']).toBeLessThan(STOPPED_WITHIN_MS);
      const sent = requestsTo('/one-permit').length;
      expect(sent - before).toBeLessThanOrEqual(1);
      await noneLost(url, 60, sent);
      expect(service.logs.errors()).toEqual([]);

      receiver.respond('/one-permit', 200);
      await allFinished(await serviceOn(url, queue), JOB_RETURNS_WITHIN_MS);
      const ids = requestsTo('/one-permit').map(({ headers }) => headers['webhook-id']);
      expect(ids).toHaveLength(60);
      expect(new Set(ids).size).toBe(60);
    },
    TIMEOUT_MS,
  );

  it('stops a host in the same way', async () => {
    const url = await databaseOf();
    receiver.respond('/host', delay(1_500));
    const host = await startHost(url, { delivery: { endpointConcurrency: 1 } });
    const serviceId = randomUUID();
    const { bearer_token: bearerToken, updated_by_id: updatedById } = aCallbackApi();
    await host.get(CallbackApisService).create({
      serviceId,
      callbackType: 'delivery_status',
      url: receiver.url('/host'),
      bearerToken,
      updatedById,
    });
    const news = Array.from({ length: 60 }, () => aNotification({ serviceId }));
    await host.get(ServiceCallbacksProducer).sendMany('delivery_status', news);
    await allTaken(url);
    await receiver.waitForRequests(1, { path: '/host' });
    const began = performance.now();
    await host.close();
    expect(performance.now() - began).toBeLessThan(STOPPED_WITHIN_MS);
    const sent = requestsTo('/host').length;
    expect(sent).toBeLessThanOrEqual(2);
    await noneLost(url, 60, sent);
  });

  it(
    'begins no attempt, and stops within the deadline of one, while an endpoint that fails every other time has a backlog',
    async () => {
      const url = await databaseOf();
      const environment = { ...queue, DATABASE_URL: url, CALLBACK_RETRY_DELAY_MS: '100' };
      const service = await processWith(environment);
      let requests = 0;
      receiver.respond('/every-other', (exchange) => {
        requests += 1;
        delay(1_200, requests % 2 === 0 ? 503 : 200)(exchange);
      });
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/every-other') });
      await Promise.all(Array.from({ length: 300 }, () => causeCallback(service, serviceId)));
      await service.logs.waitFor('callback.delivered', { service_id: serviceId }, { count: 20 });

      service.signal('SIGTERM');
      await service.logs.waitFor('service.stopping');
      const began = performance.now();
      expect(await service.ended).toEqual({ code: 0, signal: null });
      const late = requestsTo('/every-other').filter(({ at }) => at - began > ON_THE_WIRE_MS);
      expect(late).toEqual([]);
      const [stopped] = service.logs.events('service.stopped');
      expect(stopped?.['duration_ms']).toBeLessThan(STOPPED_WITHIN_MS);
      const { states, attempts } = await left(url);
      // The record has the attempts that were sent, and no others.
      expect(attempts).toBe(requests);
      expect(states['given_up']).toBeUndefined();
      expect(service.logs.errors()).toEqual([]);

      receiver.respond('/every-other', 200);
      await allFinished(
        await serviceOn(url, { ...environment, CALLBACK_RETRY_DELAY_MS: '20' }),
        JOB_RETURNS_WITHIN_MS,
      );
      expect((await left(url)).states).toEqual({ delivered: 300 });
    },
    TIMEOUT_MS,
  );

  it(
    'runs only its role, if one is set',
    async () => {
      const shared = { ...queue, DATABASE_URL: await databaseOf() };
      const [api, worker] = await Promise.all([
        processWith({ ...shared, PROCESS_ROLE: 'api' }),
        processWith({ ...shared, PROCESS_ROLE: 'worker' }),
      ]);

      const { id } = await sendCallbackTo(api, receiver.url('/split'));
      await worker.logs.waitFor('callback.delivered', { callback_id: id });
      expect(requestsTo('/split')).toHaveLength(1);
      expect(api.logs.events('callback.queued', { callback_id: id })).toHaveLength(1);
      expect(api.logs.events('callback.delivered')).toEqual([]);

      for (const path of [`/service/${id}/callback-api`, '/docs', '/docs-json', '/']) {
        expect(await worker.call('GET', path)).toMatchObject({ status: 404, body: { status_code: 404 } });
      }
      for (const process of [api, worker]) {
        for (const path of ['/health/live', '/health/ready', '/metrics']) {
          expect(await process.call('GET', path)).toMatchObject({ status: 200 });
        }
      }
      expect((await ready(api)).body).not.toHaveProperty('details.worker');
      expect((await ready(worker)).body).toHaveProperty('details.worker');
    },
    TIMEOUT_MS,
  );
});
