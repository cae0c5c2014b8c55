import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { QueueBackend } from '../../src/queues/queue-backend.js';
import { Workers } from '../../src/service-callbacks/delivery/workers.js';
import { createTestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startServiceProcess, type ServiceProcess } from '../support/faults/service-process.js';
import { held } from '../support/held.js';
import { queueEnvironment, testedBackend } from '../support/queue-backend.js';
import { nothingStands } from '../support/queue-state.js';
import { hang, startReceiver, status, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, sendCallbackTo } from '../support/scenario.js';
import { startTestService, type Environment, type RestApi, type TestService } from '../support/service.js';

/** Processes start slowly on a machine that does other things as well. */
const TIMEOUT_MS = 120_000;

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

  it('names the database where it is away', async () => {
    const service = await serviceOn(await databaseOf());
    await service.app.get(DataSource).destroy();
    expect(await ready(service)).toMatchObject(down('database'));
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
  });

  it('names the worker where it takes no jobs', async () => {
    const service = await serviceOn(await databaseOf());
    await service.app.get(Workers).beforeApplicationShutdown();
    expect(await ready(service)).toMatchObject(down('worker'));
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
  });

  it('names the queue where it cannot be used', async () => {
    const service = await serviceOn(await databaseOf(), { PROCESS_ROLE: 'api' });
    await takeQueueAway(service);
    expect(await ready(service)).toMatchObject(down('queue'));
    expect(await service.call('GET', '/health/live')).toMatchObject({ status: 200 });
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
      const answer = held(status(200));
      receiver.respond('/in-flight', answer.behaviour);
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/in-flight') });
      const sent = await Promise.all([1, 2, 3].map(() => causeCallback(service, serviceId)));
      await receiver.waitForRequests(3, { path: '/in-flight' });

      await stopping(service);
      // Why the stop takes long can be read while it does.
      await service.logs.waitFor('service.stopping', { why: 'SIGTERM', in_flight: 3 });
      answer.release();
      expect(await service.ended).toEqual({ code: 0, signal: null });
      expect(service.logs.events('service.stopped')).toMatchObject([{ duration_ms: expect.any(Number) }]);
      for (const { id } of sent) {
        expect(service.logs.events('callback.delivered', { callback_id: id, attempt: 1 })).toHaveLength(1);
      }
      expect(service.logs.errors()).toEqual([]);

      // Whoever comes next finds nothing to do.
      await nothingStands(await serviceOn(url, queue));
      expect(requestsTo('/in-flight')).toHaveLength(3);
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

  it(
    'does one thing of two where it is told to',
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
