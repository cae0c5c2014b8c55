import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { QueueBackend, type QueuedJob } from '../../src/queues/queue-backend.js';
import type { RedisQueueBackend } from '../../src/queues/redis-queue-backend.js';
import { OutboxRepository } from '../../src/service-callbacks/outbox/outbox.repository.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { REDIS_URL_VARIABLE } from '../support/database-names.js';
import { eventually } from '../support/eventually.js';
import { nothingStands } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';
import { causeCallback, registerCallbackApi, sendCallbackTo } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';
import { medianDelay, WOKEN_WITHIN_MS } from '../support/wake-ups.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** @returns what gives the most memory held since then over what was held then, bytes. */
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

const describeWithRedis = process.env[REDIS_URL_VARIABLE] === undefined ? describe.skip : describe;

describeWithRedis('the outbox', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let redis: RedisServer;
  const services: TestService[] = [];
  const servers: RedisServer[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    redis = await startRedisServer({ persistent: true });
  });

  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  afterAll(async () => {
    await redis.stop();
    await receiver.close();
    await database.drop();
  });

  async function start(environment: Environment = {}): Promise<TestService> {
    const service = await startTestService(database.url, {
      QUEUE_BACKEND: 'redis',
      REDIS_URL: redis.url,
      ...environment,
    });
    services.push(service);
    return service;
  }

  const waiting = () => query(database.url, 'SELECT 1 FROM service_callback_outbox');

  it('is emptied at once after the commit: no polling delay on the ordinary path', async () => {
    const service = await start();
    expect(await medianDelay(service, receiver)).toBeLessThan(WOKEN_WITHIN_MS);
    expect(await waiting()).toEqual([]);
  });

  it('is moved by whoever enqueued; the others look in now and then', async () => {
    const worker = await start({ PROCESS_ROLE: 'worker' });
    const api = await start({ PROCESS_ROLE: 'api' });
    const outbox = worker.app.get(OutboxRepository);
    const take = outbox.take.bind(outbox);
    const taken: number[] = [];
    outbox.take = async (...args) => {
      const outcome = await take(...args);
      taken.push(outcome.rows);
      return outcome;
    };
    const { serviceId } = await registerCallbackApi(api, { url: receiver.url('/theirs') });
    for (let sent = 1; sent <= 20; sent += 1) {
      await causeCallback(api, serviceId);
      await receiver.waitForRequests(sent, { path: '/theirs' });
    }
    await eventually(async () => expect(taken.length).toBeGreaterThan(0));
    // A look that falls into the moment between a commit and its relay finds one.
    expect(taken.reduce((sum, rows) => sum + rows, 0)).toBeLessThan(5);
  });

  it('of a process that died with its commit is moved by another', async () => {
    const service = await start();
    const orphan = new OutboxRepository(service.app.get(DataSource));
    await orphan.put([{ queue: 'q', name: 'n', data: 0, options: { jobId: 'orphan' } }]);
    await eventually(async () => expect(await waiting()).toEqual([]));
  });

  it('takes receipts from a service that started while Redis was away, and drains when it comes', async () => {
    await redis.kill('SIGKILL');
    const service = await start();
    const { id } = await sendCallbackTo(service, receiver.url('/later'));
    expect(await waiting()).toHaveLength(1);
    const { status, body } = await service.call('GET', '/health/ready');
    expect(status).toBe(503);
    expect(JSON.stringify(body)).toContain('Redis does not answer');
    const metrics = String((await service.call('GET', '/metrics')).body);
    expect(metrics).toMatch(/^service_callback_outbox_jobs 1$/m);
    expect(metrics).toMatch(/^service_callback_outbox_oldest_seconds [\d.]+$/m);
    await redis.start();
    await service.logs.waitFor('callback.delivered', { callback_id: id }, { timeoutMs: 20_000 });
    expect(await waiting()).toEqual([]);
  });

  it('hands over in the order of the queue: a flood is not between another’s callback and Redis', async () => {
    const service = await start({ PROCESS_ROLE: 'api' });
    await redis.kill('SIGKILL');
    const outbox = new OutboxRepository(service.app.get(DataSource));
    const job = (jobId: string, priority: number) => ({
      queue: 'q',
      name: 'n',
      data: 0,
      options: { jobId, priority },
    });
    await outbox.put(Array.from({ length: 1_000 }, (_, n) => job(`flood-${n}`, 10)));
    await outbox.put([job('alone', 1)]);
    await outbox.put([job('alone-too', 1)]);
    const taken: string[] = [];
    const relay = (limit: number) =>
      outbox.take(limit, async (jobs) => {
        taken.push(...jobs.map(({ options }) => options.jobId));
      });
    await relay(3);
    expect(taken).toEqual(['alone', 'alone-too', 'flood-0']);
    while ((await relay(500)).rows > 0);
    expect(taken).toHaveLength(1_002);
    await redis.start();
  });

  it('is shared by relays that work side by side: each job is taken by one', async () => {
    const service = await start({ PROCESS_ROLE: 'api' });
    await redis.kill('SIGKILL');
    const outbox = new OutboxRepository(service.app.get(DataSource));
    const job = (n: number) => ({ queue: 'q', name: 'n', data: n, options: { jobId: `job-${n}` } });
    await outbox.put(Array.from({ length: 100 }, (_, n) => job(n)));
    const taken: unknown[] = [];
    const relay = () =>
      outbox.take(30, async (jobs) => {
        taken.push(...jobs.map(({ data }) => data));
      });
    await Promise.all([relay(), relay(), relay(), relay()]);
    while ((await relay()).rows > 0);
    expect(taken).toHaveLength(100);
    expect(new Set(taken).size).toBe(100);
    await redis.start();
  });

  it('that a relay added to Redis and died before it deleted goes over again, under the same id', async () => {
    const service = await start();
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/torn') });
    const producer = service.app.get(ServiceCallbacksProducer);
    // Nobody but this transaction sees the row before the commit: this is the relay that died.
    await service.app.get(DataSource).transaction(async (manager) => {
      await producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
      const [row] = await manager.query<{ job: string }[]>('SELECT job FROM service_callback_outbox');
      const relay = service.app.get<RedisQueueBackend>(QueueBackend);
      await relay.addBulk([JSON.parse(row?.job ?? '') as QueuedJob]);
      await receiver.waitForRequests(1, { path: '/torn' });
      // While its job stands, an id that comes again is the same job.
      await nothingStands(service);
    });
    const requests = await receiver.waitForRequests(2, { path: '/torn' });
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(await waiting()).toEqual([]);
  });

  it('goes on after somebody flushed Redis: what was there is gone, what comes is delivered', async () => {
    const service = await start();
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/flushed') });
    await causeCallback(service, serviceId);
    await receiver.waitForRequests(1, { path: '/flushed' });
    const inspector = new Redis(redis.url);
    await inspector.flushall();
    await inspector.script('FLUSH');
    inspector.disconnect();
    receiver.respond('/flushed', [500, 200]);
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: id, attempt: 2 });
    expect(await waiting()).toEqual([]);
  });

  it('has one set of connections to Redis in a process, whatever the number of services', async () => {
    const service = await start();
    const connections = async () => {
      const inspector = new Redis(redis.url);
      const list = String(await inspector.client('LIST'))
        .trim()
        .split('\n');
      inspector.disconnect();
      return list.length - 1;
    };
    const deliver = async (path: string) => {
      const { id } = await sendCallbackTo(service, receiver.url(path));
      await service.logs.waitFor('callback.delivered', { callback_id: id });
    };
    await deliver('/one-service');
    const before = await connections();
    await Promise.all(Array.from({ length: 20 }, (_, n) => deliver(`/many-services/${n}`)));
    expect(await connections()).toBe(before);
  });

  it('keeps what could not be forwarded', async () => {
    const service = await start({ PROCESS_ROLE: 'api' });
    await redis.kill('SIGKILL');
    const outbox = new OutboxRepository(service.app.get(DataSource));
    await outbox.put([{ queue: 'q', name: 'n', data: {}, options: { jobId: 'kept' } }]);
    const failing = outbox.take(10, async () => {
      throw new Error('Redis said no');
    });
    await expect(failing).rejects.toThrow('said no');
    expect(await outbox.backlog()).toMatchObject({ jobs: 1, oldestAgeMs: expect.any(Number) });
    await query(database.url, 'DELETE FROM service_callback_outbox');
    await redis.start();
  });

  it('puts aside what is no job, however much of it there is, and goes on', async () => {
    const service = await start();
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/refused') });
    // A relay takes five hundred at a time: nothing but these.
    await query(
      database.url,
      `INSERT INTO service_callback_outbox (job)
       SELECT '{"queue":' FROM generate_series(1, 600) UNION ALL
       SELECT '{"queue":"q","name":"n","data":{},"options":{"jobId":"7"}}'`,
    );
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: id });
    await service.logs.waitFor('outbox.refused', {}, { count: 601 });
    expect(await waiting()).toEqual([]);
    const kept =
      'SELECT reason, count(*)::int FROM service_callback_outbox_refusals GROUP BY reason ORDER BY 2';
    expect(await query(database.url, kept)).toEqual([
      { reason: 'not a job: options.jobId invalid_format', count: 1 },
      { reason: 'not a job: data invalid_type', count: 600 },
    ]);
  });

  it('does not ask a Redis that is full anew with every receipt', async () => {
    const service = await start({ PROCESS_ROLE: 'api' });
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/full') });
    const inspector = new Redis(redis.url);
    await inspector.config('SET', 'maxmemory', '1');
    await causeCallback(service, serviceId);
    await service.logs.waitFor('outbox.blocked');
    await inspector.config('RESETSTAT');
    const begun = performance.now();
    for (let receipt = 0; receipt < 30; receipt += 1) await causeCallback(service, serviceId);
    const halfSeconds = (performance.now() - begun) / 500;
    const refusals = async () =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await inspector.info('errorstats'))?.[1]);
    await eventually(async () => expect(await refusals()).toBeGreaterThan(0));
    const refused = await refusals();
    await inspector.config('SET', 'maxmemory', '0');
    inspector.disconnect();
    // A job alone, or a batch and the transaction around it.
    expect(refused).toBeLessThanOrEqual(2 * (halfSeconds + 2));
    await eventually(async () => expect(await waiting()).toEqual([]));
  });

  it('of an hour without Redis is in the database, not in memory, and drains by itself', async () => {
    const service = await start({ PROCESS_ROLE: 'api' });
    await redis.kill('SIGKILL');
    await sendCallbackTo(service, receiver.url('/an-hour'));
    await service.logs.waitFor('outbox.blocked');
    const [jobs, bytesEach] = [15_000, 8_000];
    // Four receipts a second, each twice as large as most.
    await query(
      database.url,
      `INSERT INTO service_callback_outbox (job)
       SELECT json_build_object('queue', 'an-hour', 'name', 'n', 'data', repeat('x', ${bytesEach}),
                                'options', json_build_object('jobId', 'hour-' || n))
       FROM generate_series(1, ${jobs}) AS n`,
    );
    const peak = watchMemory();
    await redis.start();
    const any = 'SELECT 1 FROM service_callback_outbox LIMIT 1';
    await eventually(async () => expect(await query(database.url, any)).toEqual([]), 100_000);
    expect(peak()).toBeLessThan((jobs * bytesEach) / 2);
    const inspector = new Redis(redis.url);
    expect(await inspector.llen('bull:an-hour:wait')).toBe(jobs);
    await inspector.del('bull:an-hour:wait');
    inspector.disconnect();
  }, 120_000);

  it.each([
    { persistent: false, warnings: 1 },
    { persistent: true, warnings: 0 },
  ])(
    'warns of a Redis that keeps nothing on disk ($persistent: $warnings)',
    async ({ persistent, warnings }) => {
      const own = await startRedisServer({ persistent });
      servers.push(own);
      const service = await start({ REDIS_URL: own.url });
      const { id } = await sendCallbackTo(service, receiver.url(`/persistent/${persistent}`));
      await service.logs.waitFor('callback.delivered', { callback_id: id });
      const said = service.logs.events('queue.unsafe');
      expect(said).toHaveLength(warnings);
      for (const line of said) expect(line['msg']).toContain('appendonly no');
    },
  );

  it('needs a Redis that forgets nothing: one that evicts is refused at the start, with the reason', async () => {
    const evicting = await startRedisServer({ settings: { 'maxmemory-policy': 'allkeys-lru' } });
    await expect(start({ REDIS_URL: evicting.url })).rejects.toThrow(/allkeys-lru.*noeviction/);
    // A start that failed leaves nothing open, neither here nor there.
    const inspector = new Redis(evicting.url);
    expect(
      String(await inspector.client('LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
    inspector.disconnect();
    await eventually(async () => {
      const open = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
      expect(await query(database.url, open)).toEqual([]);
    });
    await evicting.stop();
  });
});
