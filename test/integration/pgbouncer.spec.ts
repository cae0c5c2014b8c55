import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrateDatabase } from '../../src/migrate-database.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { pgBouncerPath, startPgBouncer, type PgBouncer, type PoolMode } from '../support/pgbouncer.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';
import { medianDelay, WOKEN_WITHIN_MS } from '../support/wake-ups.js';
import { DataSource } from 'typeorm';

const describeWithPgBouncer = pgBouncerPath === undefined ? describe.skip : describe;
/** All callbacks have arrived within this time, ms; `WOKEN_WITHIN_MS` holds for a single one. */
const AT_ONCE_MS = 4_000;
const TIMEOUT_MS = 120_000;

describeWithPgBouncer('behind PgBouncer (skipped where none is on the path)', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let redis: RedisServer;
  const bouncers = new Map<PoolMode, PgBouncer>();
  const services: TestService[] = [];

  beforeAll(async () => {
    [database, receiver, redis] = await Promise.all([
      createEmptyDatabase(),
      startReceiver(),
      startRedisServer(),
    ]);
    for (const mode of ['transaction', 'session'] as const)
      bouncers.set(mode, await startPgBouncer(database.url, mode));
  }, TIMEOUT_MS);

  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await Promise.all([...bouncers.values()].map((bouncer) => bouncer.stop()));
    await Promise.all([database.drop(), receiver.close(), redis.stop()]);
  }, TIMEOUT_MS);

  function urlThrough(mode: PoolMode): string {
    return bouncers.get(mode)?.url ?? '';
  }

  async function startThrough(mode: PoolMode, environment: Environment): Promise<TestService> {
    const service = await startTestService(urlThrough(mode), { REDIS_URL: redis.url, ...environment });
    services.push(service);
    return service;
  }

  it(
    'migrations run in transaction mode, by two at once, and leave no lock in the pool',
    async () => {
      await Promise.all([1, 2].map(() => migrateDatabase(urlThrough('transaction'))));
      // Of this database: the other tests' migrations lock theirs on the same server.
      const locks = `SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                     WHERE locktype = 'advisory' AND datname = current_database()`;
      expect(await query(database.url, locks)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['transaction', {}, /startup parameter: options.*DATABASE_DIRECT_URL/s],
    ['session', {}, /startup parameter: options.*DATABASE_DIRECT_URL/s],
    ['transaction', { ignore_startup_parameters: 'options' }, /search_path is .*DATABASE_DIRECT_URL/s],
  ] as const)(
    'the PostgreSQL queue is refused in %s mode %j, with the remedy',
    async (mode, settings, message) => {
      const bouncer = await startPgBouncer(database.url, mode, settings);
      try {
        await expect(startTestService(bouncer.url, { QUEUE_BACKEND: 'postgres' })).rejects.toThrow(message);
      } finally {
        await bouncer.stop();
      }
    },
    TIMEOUT_MS,
  );

  it.each([
    ['transaction', 'postgres'],
    ['session', 'postgres'],
    ['transaction', 'redis'],
    ['session', 'redis'],
  ] as const)(
    'in %s mode with a direct URL, the %s queue commits with the caller and delivers at once',
    async (mode, backend) => {
      const service = await startThrough(mode, {
        QUEUE_BACKEND: backend,
        DATABASE_DIRECT_URL: database.url,
      });
      const path = `/${mode}/${backend}`;
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url(path) });
      const producer = service.app.get(ServiceCallbacksProducer);
      const undone = service.app.get(DataSource).transaction(async (manager) => {
        await producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
        throw new Error('rolled back');
      });
      await expect(undone).rejects.toThrow('rolled back');

      const sent = await Promise.all(Array.from({ length: 20 }, () => causeCallback(service, serviceId)));
      const requests = await receiver.waitForRequests(20, { path, timeoutMs: AT_ONCE_MS });
      expect(new Set(requests.map(({ headers }) => headers['webhook-id']))).toEqual(
        new Set(sent.map(({ id }) => id)),
      );
      const { id } = await causeCallback(service, serviceId);
      await receiver.waitForRequests(21, { path, timeoutMs: AT_ONCE_MS });
      await service.logs.waitFor('callback.delivered', { callback_id: id });
      expect(await medianDelay(service, receiver)).toBeLessThan(WOKEN_WITHIN_MS);
      expect(service.logs.errors()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
