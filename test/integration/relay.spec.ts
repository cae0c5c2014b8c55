import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { CallbackRepository } from '../../src/service-callbacks/callbacks/callback.repository.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { Batches } from '../../src/service-callbacks/queues/batches.js';
import { QueueBackend } from '../../src/service-callbacks/queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { deliveryStatus } from '../../src/service-callbacks/callback-types/delivery-status.js';
import { Holds } from '../../src/service-callbacks/holds/holds.js';
import { Relay } from '../../src/service-callbacks/relay/relay.js';
import { CallbackRecorder } from '../../src/service-callbacks/recorder/callback-recorder.js';
import { SafetySweep } from '../../src/service-callbacks/relay/safety-sweep.js';
import type { DeliveryOptions } from '../../src/service-callbacks/service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../../src/service-callbacks/tokens.js';
import { generateEncryptionKey } from '../../src/service-callbacks/security/encryption-keys.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { REDIS_URL_VARIABLE } from '../support/database-names.js';
import { eventually } from '../support/eventually.js';
import { allFinished, queuedJobs, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { closedPort } from '../support/receiver/closed-port.js';
import { readFrom } from '../support/record-store.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';
import {
  causeCallback,
  registerCallbackApi,
  sendCallbackTo,
  type SentCallback,
} from '../support/scenario.js';
import {
  startTestService,
  TEST_ENVIRONMENT,
  type Environment,
  type TestService,
} from '../support/service.js';
import { query } from '../support/sql.js';
import { medianDelay, WOKEN_WITHIN_MS } from '../support/wake-ups.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** @returns a function that returns the growth of the memory in use since then, bytes */
function watchMemory(): () => number {
  const held = () => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = held();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, held())), 1_000);
  return () => {
    clearInterval(timer);
    return most - before;
  };
}

const hasRedis = process.env[REDIS_URL_VARIABLE] !== undefined;
const describeWithRedis = hasRedis ? describe : describe.skip;

/** What is between the record and the queues. */
class Stage {
  database!: TestDatabase;
  receiver!: Receiver;
  private readonly services: TestService[] = [];

  constructor(private readonly environment: () => Environment) {}

  async open(): Promise<void> {
    this.database = await createTestDatabase();
    this.receiver = await startReceiver();
  }

  async stopServices(): Promise<void> {
    await Promise.all(this.services.splice(0).map((service) => service.stop()));
    await query(
      this.database.url,
      'TRUNCATE service_callbacks, service_callback_payloads, service_callback_news',
    );
    await query(this.database.url, 'DELETE FROM bullmq.job');
  }

  async close(): Promise<void> {
    await this.receiver.close();
    await this.database.drop();
  }

  async start(environment: Environment = {}): Promise<TestService> {
    const service = await startTestService(this.database.url, { ...this.environment(), ...environment });
    this.services.push(service);
    return service;
  }

  /** The API without a relay: its callbacks stay pending. */
  async startWithoutRelay(): Promise<TestService> {
    const service = await this.start({ PROCESS_ROLE: 'api' });
    await service.app.get(Relay).onModuleDestroy();
    return service;
  }

  async stateOf({ id }: Pick<SentCallback, 'id'>): Promise<string | undefined> {
    const [row] = await query<{ state: string }>(
      this.database.url,
      'SELECT state FROM service_callbacks WHERE id = $1',
      [id],
    );
    return row?.state;
  }

  /**
   * Marks pending callbacks like a relay that ends before it adds the jobs.
   * @returns the ids of the batches
   */
  async markAndCrash(service: TestService, batchSize = 100): Promise<string[]> {
    const limits = {
      pending: 1_000,
      quiet: 1_000,
      due: 1_000,
      batchSize,
      retryBatchSize: batchSize,
      from: readFrom(0),
    };
    const taken = await service.app.get(CallbackRepository).take(limits);
    return [...new Set(taken.map(({ batch }) => batch))];
  }

  /** Makes the batches so many seconds old. */
  async age(seconds: number): Promise<void> {
    await query(
      this.database.url,
      `UPDATE service_callbacks SET batched_at = now() - $1 * interval '1 second' WHERE state = 'queued'`,
      [seconds],
    );
  }
}

describe.each(hasRedis ? (['postgres', 'redis'] as const) : (['postgres'] as const))(
  'the relay to %s',
  (backend) => {
    let redis: RedisServer | undefined;
    const on = new Stage(() => ({ QUEUE_BACKEND: backend, ...(redis && { REDIS_URL: redis.url }) }));

    beforeAll(async () => {
      await on.open();
      if (backend === 'redis') redis = await startRedisServer({ persistent: true });
    });

    afterEach(async () => {
      await on.stopServices();
      if (redis) {
        const inspector = new Redis(redis.url);
        await inspector.flushall();
        inspector.disconnect();
      }
    });

    afterAll(async () => {
      await redis?.stop();
      await on.close();
    });

    it('takes callbacks of its own process at once', async () => {
      expect(await medianDelay(await on.start(), on.receiver)).toBeLessThan(WOKEN_WITHIN_MS);
    });

    it('of the enqueuing process takes; relays of other processes look now and then', async () => {
      const worker = await on.start({ PROCESS_ROLE: 'worker' });
      const api = await on.start({ PROCESS_ROLE: 'api' });
      const callbacks = worker.app.get(CallbackRepository);
      const look = callbacks.isAnyDue.bind(callbacks);
      const found: boolean[] = [];
      callbacks.isAnyDue = async (from) => {
        found.push(await look(from));
        return found.at(-1) === true;
      };
      const path = `/${randomUUID()}`;
      const { serviceId } = await registerCallbackApi(api, { url: on.receiver.url(path) });
      for (let sent = 1; sent <= 20; sent += 1) {
        await causeCallback(api, serviceId);
        await on.receiver.waitForRequests(sent, { path });
      }
      await eventually(async () => expect(found.length).toBeGreaterThan(0));
      // A look can fall between a commit and the take by the enqueuing process; it then finds a callback.
      expect(found.filter(Boolean).length).toBeLessThan(10);
    });

    it('looks for callbacks of a transaction after its commit', async () => {
      const service = await on.start();
      const callbacks = service.app.get(CallbackRepository);
      const take = callbacks.take.bind(callbacks);
      const taken: number[] = [];
      callbacks.take = async (limits) => {
        const rows = await take(limits);
        taken.push(rows.length);
        return rows;
      };
      const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/committed') });
      const producer = service.app.get(ServiceCallbacksProducer);
      await service.app.get(DataSource).transaction(async (manager) => {
        await producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(taken).toEqual([]);
      });
      await on.receiver.waitForRequests(1, { path: '/committed' });
      expect(taken[0]).toBe(1);
    });

    it('takes all of a transaction that committed late, while its clock stands still', async () => {
      const service = await on.start();
      const { app } = service;
      await app.get(Relay).onModuleDestroy();
      let at = 10_000;
      const relay = new Relay(
        app.get(CallbackRepository),
        app.get(Batches),
        app.get(QueueBackend),
        app.get(Holds),
        app.get(CallbackRecorder),
        { now: () => Date.now(), monotonic: () => at },
        app.get<DeliveryOptions>(DELIVERY_OPTIONS),
      );
      const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/late') });
      const producer = app.get(ServiceCallbacksProducer);
      const news = (count: number) => Array.from({ length: count }, () => aNotification({ serviceId }));
      await app.get(DataSource).transaction(async (manager) => {
        await producer.sendMany(deliveryStatus, news(4_000), { manager });
        await producer.sendMany(deliveryStatus, news(1));
        // The mark of the last priority then rests above all of the transaction.
        for (let round = 0; round < 4; round += 1) {
          await relay.round();
          at += 2_100;
        }
      });
      await eventually(async () => {
        await relay.round();
        const [row] = await query<{ count: number }>(
          on.database.url,
          `SELECT count(*)::int FROM service_callbacks WHERE state = 'pending'`,
        );
        expect(row?.count).toBe(0);
      });
    });

    it('takes pending callbacks of a process that ended', async () => {
      const ended = await on.startWithoutRelay();
      const sent = await sendCallbackTo(ended, on.receiver.url('/left'));
      expect(await on.stateOf(sent)).toBe('pending');
      const other = await on.start();
      await other.logs.waitFor('callback.delivered', { callback_id: sent.id });
    });

    it('probes and releases beside as many due callbacks as the retry queue has room for', async () => {
      const service = await on.startWithoutRelay();
      const held = [];
      for (const state of ['open', 'releasing']) {
        const sent = await sendCallbackTo(service, on.receiver.url(`/${state}`));
        await query(
          on.database.url,
          `WITH held AS (UPDATE service_callbacks SET state = 'held' WHERE id = $1 RETURNING endpoint_id)
           INSERT INTO service_callback_holds (endpoint_id, state, reason, since, next_probe_at, probe_interval_ms)
           SELECT endpoint_id, $2, 'circuit_open', now(), now(), 30000 FROM held`,
          [sent.id, state],
        );
        held.push(sent);
      }
      const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/flood') });
      const news = Array.from({ length: 1_200 }, () => aNotification({ serviceId }));
      await service.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
      await query(
        on.database.url,
        `UPDATE service_callbacks SET state = 'scheduled', next_attempt_at = now() WHERE state = 'pending'`,
      );
      const holds = service.app.get(Holds);
      await eventually(async () => expect(holds.isAnyDue).toBe(true));
      expect(await service.app.get(Relay).round()).toBeGreaterThan(1_000);
      for (const sent of held) expect(await on.stateOf(sent)).toBe('queued');
    });

    it('takes due callbacks, each time they are due', async () => {
      const service = await on.start();
      on.receiver.respond('/due', [503, 503, 200]);
      const sent = await sendCallbackTo(service, on.receiver.url('/due'));
      await service.logs.waitFor('callback.delivered', { callback_id: sent.id, attempt: 3 });
      await allFinished(service);
      expect(on.receiver.requests.filter(({ path }) => path === '/due')).toHaveLength(3);
    });

    it('gives up callbacks of a deleted endpoint, and logs that', async () => {
      const service = await on.startWithoutRelay();
      const sent = await sendCallbackTo(service, on.receiver.url('/deleted'));
      await query(on.database.url, 'DELETE FROM service_callback_apis WHERE service_id = $1', [
        sent.serviceId,
      ]);
      const other = await on.start({ PROCESS_ROLE: 'api' });
      const [line] = await other.logs.waitFor('callback.cancelled', { callback_id: sent.id });
      expect(line).toMatchObject({ service_id: sent.serviceId, subject_id: sent.notificationId });
      expect(await on.stateOf(sent)).toBe('given_up');
      expect(await queuedJobs(other)).toEqual([]);
    });

    it('postpones callbacks whose key is missing, until a process has it', async () => {
      const service = await on.startWithoutRelay();
      const sent = await sendCallbackTo(service, on.receiver.url('/key'));
      const other = await on.start({
        PROCESS_ROLE: 'api',
        CALLBACK_ENCRYPTION_KEYS: generateEncryptionKey('another'),
      });
      const [line] = await other.logs.waitFor('callback.postponed', { callback_id: sent.id });
      expect(line?.level).toBe(50);
      await eventually(async () => expect(await on.stateOf(sent)).toBe('scheduled'));
      await other.app.get(Relay).onModuleDestroy();
      await query(on.database.url, 'UPDATE service_callbacks SET next_attempt_at = now()');
      const third = await on.start({
        CALLBACK_ENCRYPTION_KEYS: `${generateEncryptionKey('another')},${TEST_ENVIRONMENT['CALLBACK_ENCRYPTION_KEYS']}`,
      });
      await third.logs.waitFor('callback.delivered', { callback_id: sent.id });
    });

    it('keeps the queue short, whatever waits in the record', async () => {
      const service = await on.start({ PROCESS_ROLE: 'api' });
      const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/flood') });
      const payload = await sealedPayload(service, serviceId);
      const [pending, bytesEach] = [12_000, payload.length];
      const peak = watchMemory();
      await insertPending(serviceId, payload, pending);
      const waiting = () => queueOf(service, MAIN_QUEUE).getJobCountByTypes('waiting');
      const queued = async () => (await counts()).queued ?? 0;
      await eventually(async () => expect(await queued()).toBeGreaterThan(500), 20_000);
      // Takes are counted, to wait for some that find nothing to take.
      const callbacks = service.app.get(CallbackRepository);
      let takes = 0;
      const take = callbacks.take.bind(callbacks);
      callbacks.take = (limits) => {
        takes += 1;
        return take(limits);
      };
      await eventually(async () => {
        const before = await queued();
        const after = takes;
        await eventually(async () => {
          if (takes <= after + 3) throw new Error('few takes yet');
        }, 3_000).catch(() => undefined);
        expect(await queued()).toBe(before);
      }, 20_000);
      expect(await queued()).toBeLessThanOrEqual(4_096 + 1_024);
      expect(await waiting()).toBeGreaterThan(0);
      expect(peak()).toBeLessThan((pending * bytesEach) / 2);
    }, 60_000);

    it('marks nothing after a stop', async () => {
      const service = await on.start({ PROCESS_ROLE: 'api' });
      const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/stopped') });
      const relay = service.app.get(Relay);
      await relay.onModuleDestroy();
      const sent = await causeCallback(service, serviceId);
      relay.nudge();
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(await on.stateOf(sent)).toBe('pending');
    });

    describe('that ends between mark and add', () => {
      it('leaves batches that the sweep adds later', async () => {
        const service = await on.startWithoutRelay();
        const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/found') });
        const sent = await Promise.all(Array.from({ length: 5 }, () => causeCallback(service, serviceId)));
        const batches = await on.markAndCrash(service, 2);
        expect(batches).toHaveLength(3);
        const sweep = service.app.get(SafetySweep);
        await on.age(9);
        await sweep.sweep();
        expect(await queuedJobs(service)).toEqual([]);
        await on.age(11);
        await sweep.sweep();
        expect((await queuedJobs(service)).toSorted()).toEqual(
          batches.map((id) => `${MAIN_QUEUE} ${id}`).toSorted(),
        );
        // A second sweep adds nothing: they are in a queue.
        await sweep.sweep();
        expect(service.logs.events('batch.found')).toHaveLength(3);

        const worker = await on.start({ PROCESS_ROLE: 'worker' });
        for (const { id } of sent) await worker.logs.waitFor('callback.delivered', { callback_id: id });
        await allFinished(worker);
        const requests = await on.receiver.waitForRequests(5, { path: '/found' });
        expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(5);
      });

      it('leaves a batch that the sweep adds, however many batches have a job', async () => {
        const service = await on.startWithoutRelay();
        const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/one-of-many') });
        const news = Array.from({ length: 1_001 }, () => aNotification({ serviceId }));
        await service.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
        const batches = [...(await on.markAndCrash(service, 1)), ...(await on.markAndCrash(service, 1))];
        expect(batches).toHaveLength(1_001);
        const lost = batches.toSorted().at(-1);
        const queues = service.app.get(QueueBackend);
        const jobState = queues.jobState.bind(queues);
        queues.jobState = async (queue, id) => (id === lost ? jobState(queue, id) : 'active');
        await on.age(11);
        await service.app.get(SafetySweep).sweep();
        expect(await queuedJobs(service)).toEqual([`${MAIN_QUEUE} ${lost}`]);
      });

      it('leaves a deferred first attempt to the queue that it was marked for', async () => {
        const service = await on.startWithoutRelay();
        const sent = await sendCallbackTo(service, on.receiver.url('/deferred-first'));
        await query(
          on.database.url,
          `UPDATE service_callbacks SET state = 'scheduled', next_attempt_at = now()`,
        );
        const batches = await on.markAndCrash(service);
        await on.age(11);
        await service.app.get(SafetySweep).sweep();
        expect(await queuedJobs(service)).toEqual(batches.map((id) => `${RETRY_QUEUE} ${id}`));
        const worker = await on.start({ PROCESS_ROLE: 'worker' });
        await worker.logs.waitFor('callback.delivered', { callback_id: sent.id });
      });

      it('is found by two sweeps at once: each callback arrives once', async () => {
        const services = [await on.startWithoutRelay(), await on.startWithoutRelay()] as const;
        const { serviceId } = await registerCallbackApi(services[0], { url: on.receiver.url('/two-sweeps') });
        for (let count = 0; count < 4; count += 1) await causeCallback(services[0], serviceId);
        await on.markAndCrash(services[0], 2);
        await on.age(11);
        await Promise.all(services.map((service) => service.app.get(SafetySweep).sweep()));
        expect(await queuedJobs(services[0])).toHaveLength(2);
        const worker = await on.start({ PROCESS_ROLE: 'worker' });
        await allFinished(worker);
        expect(await on.receiver.waitForRequests(4, { path: '/two-sweeps' })).toHaveLength(4);
      });

      it('is not repeated for callbacks that were settled meanwhile', async () => {
        const service = await on.startWithoutRelay();
        const { serviceId, id: endpointId } = await registerCallbackApi(service, {
          url: on.receiver.url('/settled'),
        });
        const [first, second] = [
          await causeCallback(service, serviceId),
          await causeCallback(service, serviceId),
        ];
        const [batch = ''] = await on.markAndCrash(service);
        const callbacks = service.app.get(CallbackRepository);
        await callbacks.settle([
          { id: first.id, endpointId, batch, generation: 0, disposition: { kind: 'delivered' } },
        ]);
        await on.age(11);
        await service.app.get(SafetySweep).sweep();
        const worker = await on.start({ PROCESS_ROLE: 'worker' });
        await worker.logs.waitFor('callback.delivered', { callback_id: second.id });
        await allFinished(worker);
        const requests = await on.receiver.waitForRequests(1, { path: '/settled' });
        expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual([second.id]);
      });

      it('loses its endpoints meanwhile: its callbacks are cancelled', async () => {
        const service = await on.startWithoutRelay();
        const sent = await sendCallbackTo(service, on.receiver.url('/cancelled'));
        await on.markAndCrash(service);
        await query(on.database.url, 'DELETE FROM service_callback_apis');
        await on.age(11);
        await service.app.get(SafetySweep).sweep();
        const other = await on.start();
        await other.logs.waitFor('callback.cancelled', { callback_id: sent.id });
        expect(await on.stateOf(sent)).toBe('given_up');
      });

      it('leaves callbacks whose key the sweep lacks: they wait for a process that has it', async () => {
        const service = await on.startWithoutRelay();
        await service.app.get(SafetySweep).beforeApplicationShutdown();
        const sent = await sendCallbackTo(service, on.receiver.url('/sweep-key'));
        await on.markAndCrash(service);
        await on.age(11);
        const other = await on.start({
          PROCESS_ROLE: 'api',
          CALLBACK_ENCRYPTION_KEYS: generateEncryptionKey('another'),
        });
        await other.app.get(Relay).onModuleDestroy();
        await other.app.get(SafetySweep).sweep();
        expect(await queuedJobs(other)).toEqual([]);
        await eventually(async () => expect(await on.stateOf(sent)).not.toBe('queued'));
      });
    });

    it('whose batch is in a queue or active during a sweep: it stays there', async () => {
      const service = await on.start({ PROCESS_ROLE: 'api' });
      const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/in-queue') });
      const sent = await causeCallback(service, serviceId);
      await eventually(async () => expect(await queuedJobs(service)).toHaveLength(1));
      await on.age(60);
      await service.app.get(SafetySweep).sweep();
      expect(await queuedJobs(service)).toHaveLength(1);
      const held = Promise.withResolvers<void>();
      on.receiver.respond('/in-queue', (exchange) => {
        void held.promise.then(() => {
          exchange.response.statusCode = 200;
          exchange.response.end();
        });
      });
      const worker = await on.start({ PROCESS_ROLE: 'worker' });
      await on.receiver.waitForRequests(1, { path: '/in-queue' });
      await on.age(60);
      await worker.app.get(SafetySweep).sweep();
      held.resolve();
      await worker.logs.waitFor('callback.delivered', { callback_id: sent.id });
      await allFinished(worker);
      expect(worker.logs.events('batch.found')).toEqual([]);
      expect(on.receiver.requests.filter(({ path }) => path === '/in-queue')).toHaveLength(1);
    });

    it('that is too old is given up by the sweep, which logs it', async () => {
      const service = await on.start({ CALLBACK_MAX_AGE_MS: '60000' });
      await service.app.get(Relay).onModuleDestroy();
      const sent = await sendCallbackTo(service, on.receiver.url('/old'));
      const [batch = ''] = await on.markAndCrash(service);
      await service.app.get(CallbackRepository).settle([
        {
          id: sent.id,
          endpointId: randomUUID(),
          batch,
          generation: 0,
          disposition: { kind: 'retryAt', delayMs: 3_600_000 },
          attempt: { at: new Date().toISOString(), duration_ms: 3, status_code: 503 },
        },
      ]);
      await query(
        on.database.url,
        `UPDATE service_callbacks SET generation_at = now() - interval '61 seconds'`,
      );
      await service.app.get(SafetySweep).sweep();
      expect(service.logs.events('callback.expired', { callback_id: sent.id })).toMatchObject([
        { attempt: 1, status_code: 503, duration_ms: 3, level: 40 },
      ]);
      expect(await on.stateOf(sent)).toBe('given_up');
    });

    async function counts(): Promise<Record<string, number>> {
      const rows = await query<{ state: string; count: number }>(
        on.database.url,
        'SELECT state, count(*)::int AS count FROM service_callbacks GROUP BY state',
      );
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    }

    /** A payload as it is stored, of eight kilobytes. */
    async function sealedPayload(service: TestService, _serviceId: string): Promise<string> {
      expect(service.app.get(DataSource).isInitialized).toBe(true);
      return `test.${'x'.repeat(8_000)}`;
    }

    async function insertPending(serviceId: string, payload: string, count: number): Promise<void> {
      await query(
        on.database.url,
        `WITH recorded AS (
         INSERT INTO service_callbacks (id, service_id, endpoint_id, callback_type, subject_id, state, priority,
           queued_at, generation_at, changed_at)
         SELECT gen_random_uuid(), $1, e.id, 'delivery_status', gen_random_uuid(), 'pending', 1, now(), now(), now()
         FROM generate_series(1, $2::int), service_callback_apis e WHERE e.service_id = $1 RETURNING id
       ) INSERT INTO service_callback_payloads (id, payload) SELECT id, $3 FROM recorded`,
        [serviceId, count, payload],
      );
    }
  },
);

describeWithRedis('the queue on a Redis', () => {
  let redis: RedisServer;
  const servers: RedisServer[] = [];
  const on = new Stage(() => ({ QUEUE_BACKEND: 'redis', REDIS_URL: redis.url }));

  beforeAll(async () => {
    await on.open();
    redis = await startRedisServer({ persistent: true });
  });

  afterEach(async () => {
    await on.stopServices();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  afterAll(async () => {
    await redis.stop();
    await on.close();
  });

  async function inspect<T>(work: (inspector: Redis) => Promise<T>): Promise<T> {
    const inspector = new Redis(redis.url);
    try {
      return await work(inspector);
    } finally {
      inspector.disconnect();
    }
  }

  it('that is missing when a service starts: receipts are accepted, and delivered later', async () => {
    await redis.kill('SIGKILL');
    const service = await on.start();
    const sent = await sendCallbackTo(service, on.receiver.url('/later'));
    const { status, body } = await service.call('GET', '/health/ready');
    expect(status).toBe(503);
    expect(JSON.stringify(body)).toContain('Redis does not respond');
    expect(await on.stateOf(sent)).toBe('pending');
    const metrics = String((await service.call('GET', '/metrics')).body);
    expect(metrics).toMatch(/^service_callback_oldest_due_seconds 0\.\d+$/m);
    await redis.start();
    await service.logs.waitFor('callback.delivered', { callback_id: sent.id }, { timeoutMs: 20_000 });
    await allFinished(service);
    const refused = {
      name: 'QueueUnavailableError',
      cause: { code: 'ECONNREFUSED', stack: expect.stringContaining('ECONNREFUSED') },
    };
    expect(service.logs.events('store.unavailable')).toMatchObject([{ level: 50, err: refused }]);
    expect(service.logs.events('queue.unavailable')).toMatchObject([{ level: 40, err: refused }]);

    await redis.kill('SIGKILL');
    const later = await sendCallbackTo(service, on.receiver.url('/later-still'));
    await service.logs.waitFor('queue.unavailable', { level: 50 });
    await redis.start();
    await service.logs.waitFor('callback.delivered', { callback_id: later.id }, { timeoutMs: 20_000 });
    // A line for each outage and its end, not for each refused connection.
    expect(service.logs.events('queue.unavailable')).toHaveLength(2);
    expect(service.logs.events('queue.available')).toHaveLength(2);
    expect(service.logs.events('queue.error')).toEqual([]);
  });

  it('that is read-only makes processes with workers unready, and no others', async () => {
    const [worker, api] = [await on.start(), await on.start({ PROCESS_ROLE: 'api' })];
    const ready = async (service: TestService) => (await service.call('GET', '/health/ready')).status;
    expect([await ready(worker), await ready(api)]).toEqual([200, 200]);
    const primary = await closedPort();
    await inspect((inspector) => inspector.replicaof('127.0.0.1', primary));
    const unready = await worker.call('GET', '/health/ready');
    expect(unready).toMatchObject({ status: 503, body: { error: { queue: { status: 'down' } } } });
    expect(await ready(api)).toBe(200);
    const sent = await sendCallbackTo(api, on.receiver.url('/read-only'));
    await inspect((inspector) => inspector.replicaof('NO', 'ONE'));
    await worker.logs.waitFor('callback.delivered', { callback_id: sent.id });
    await eventually(async () => expect(await ready(worker)).toBe(200));
  });

  it('that begins to evict is refused by name', async () => {
    const service = await on.start();
    await inspect(async (inspector) => {
      await inspector.config('SET', 'maxmemory-policy', 'allkeys-lru');
      // The policy is read again with each connection.
      await inspector.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    });
    const [line] = await service.logs.waitFor('queue.refused');
    expect(line).toMatchObject({ level: 50, err: { name: 'UnsafeRedisError', stack: expect.any(String) } });
    await inspect((inspector) => inspector.config('SET', 'maxmemory-policy', 'noeviction'));
  });

  it('that was flushed gets its callbacks again by a sweep: none is lost, none arrives twice', async () => {
    const service = await on.start({ PROCESS_ROLE: 'api', CALLBACK_BATCH_SIZE: '3' });
    const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/flushed') });
    // In one transaction: without a worker, the queue has room for a few jobs.
    const news = Array.from({ length: 10 }, () => aNotification({ serviceId }));
    const sent = await service.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
    const ids = sent.flatMap((one) => (one.queued ? one.id : []));
    expect(ids).toHaveLength(10);
    await eventually(async () => expect((await queuedJobs(service)).length).toBeGreaterThan(3));
    await eventually(async () => {
      for (const id of ids) expect(await on.stateOf({ id })).toBe('queued');
    });
    await inspect(async (inspector) => {
      await inspector.flushall();
      await inspector.script('FLUSH');
    });
    await on.age(11);
    const worker = await on.start({ PROCESS_ROLE: 'worker' });
    await worker.app.get(SafetySweep).sweep();
    for (const id of ids) await worker.logs.waitFor('callback.delivered', { callback_id: id });
    await allFinished(worker);
    const requests = on.receiver.requests.filter(({ path }) => path === '/flushed');
    expect(requests.map(({ headers }) => String(headers['webhook-id'])).toSorted()).toEqual(ids.toSorted());
  });

  it('has one set of connections in a process, whatever the number of services', async () => {
    const service = await on.start();
    const connections = () =>
      inspect(
        async (inspector) =>
          String(await inspector.client('LIST'))
            .trim()
            .split('\n').length - 1,
      );
    const deliver = async (path: string) => {
      const { id } = await sendCallbackTo(service, on.receiver.url(path));
      await service.logs.waitFor('callback.delivered', { callback_id: id });
    };
    await deliver('/one-service');
    const before = await connections();
    await Promise.all(Array.from({ length: 20 }, (_, n) => deliver(`/many-services/${n}`)));
    expect(await connections()).toBe(before);
  });

  it('that is full is not tried with every receipt, and gets all callbacks later', async () => {
    const service = await on.start({ PROCESS_ROLE: 'api' });
    const { serviceId } = await registerCallbackApi(service, { url: on.receiver.url('/full') });
    const sent: SentCallback[] = [];
    await inspect(async (inspector) => {
      await inspector.config('SET', 'maxmemory', '1');
      sent.push(await causeCallback(service, serviceId));
      await service.logs.waitFor('store.unavailable');
      await inspector.config('RESETSTAT');
      const begun = performance.now();
      for (let receipt = 0; receipt < 30; receipt += 1) sent.push(await causeCallback(service, serviceId));
      const refusals = async () =>
        Number(/errorstat_OOM:count=(\d+)/.exec(await inspector.info('errorstats'))?.[1] ?? 0);
      await eventually(async () => expect(await refusals()).toBeGreaterThan(0));
      const refused = await refusals();
      const halfSeconds = (performance.now() - begun) / 500;
      await inspector.config('SET', 'maxmemory', '0');
      expect(refused).toBeLessThanOrEqual(2 * (halfSeconds + 2));
    });
    await on.age(11);
    const worker = await on.start({ PROCESS_ROLE: 'worker' });
    await worker.app.get(SafetySweep).sweep();
    for (const { id } of sent) await worker.logs.waitFor('callback.delivered', { callback_id: id });
    await allFinished(worker);
  });

  it.each([
    { persistent: false, warnings: 1 },
    { persistent: true, warnings: 0 },
  ])(
    'causes a warning if it keeps nothing on disk ($persistent: $warnings)',
    async ({ persistent, warnings }) => {
      const own = await startRedisServer({ persistent });
      servers.push(own);
      const service = await on.start({ REDIS_URL: own.url });
      const { id } = await sendCallbackTo(service, on.receiver.url(`/persistent/${persistent}`));
      await service.logs.waitFor('callback.delivered', { callback_id: id });
      const said = service.logs.events('queue.unsafe');
      expect(said).toHaveLength(warnings);
      for (const line of said) expect(line['msg']).toContain('appendonly no');
    },
  );

  it('that evicts is refused at the start, with the reason; a start that failed leaves nothing open', async () => {
    const evicting = await startRedisServer({ settings: { 'maxmemory-policy': 'allkeys-lru' } });
    servers.push(evicting);
    await expect(on.start({ REDIS_URL: evicting.url })).rejects.toThrow(/allkeys-lru.*noeviction/);
    const inspector = new Redis(evicting.url);
    expect(
      String(await inspector.client('LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
    inspector.disconnect();
    await eventually(async () => {
      const open = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
      expect(await query(on.database.url, open)).toEqual([]);
    });
  });
});
