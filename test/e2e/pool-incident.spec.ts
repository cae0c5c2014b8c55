import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { NotificationEntity } from '../../src/notifications/notification.entity.js';
import { MAIN_QUEUE } from '../../src/queues/queue-names.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { barrier, type Barrier } from '../support/barrier.js';
import { aNotification } from '../support/builders/a-notification.js';
import { watchPool, type PoolWatch } from '../support/connection-pool.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { nothingStands, queueOf } from '../support/queue-state.js';
import { startReceiver, status, type Behaviour, type Receiver } from '../support/receiver.js';
import { createNotification, registerCallbackApi, sendReceipt } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const POOL_SIZE = 2;
const CALLBACKS = 200;
/** How long the endpoint takes. */
const HOLD_MS = 2_000;

/**
 * Incident 2: workers that held a database connection while they waited on HTTP. With 100 tasks of 20 s and 10
 * connections, 80 failed with a pool timeout. Here: 200 tasks, 2 connections, and all of them wait together (R11).
 */
describe(`${CALLBACKS} callbacks to a slow endpoint, with a pool of ${POOL_SIZE} connections`, () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let pool: PoolWatch;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      DATABASE_POOL_SIZE: `${POOL_SIZE}`,
      CALLBACK_TIMEOUT_MS: '25000',
    });
    pool = watchPool(service);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  /** One endpoint of one service, which answers nobody before all have asked. */
  async function slowEndpoint(path: string, wrap: (slow: Behaviour) => Behaviour = (slow) => slow) {
    const gate = barrier(CALLBACKS, HOLD_MS, status(200));
    receiver.respond(path, wrap(gate.behaviour));
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url(path) });
    return { gate, serviceId };
  }

  function sendAll(serviceId: string): Promise<unknown> {
    const producer = service.app.get(ServiceCallbacksProducer);
    const notifications = Array.from({ length: CALLBACKS }, () => aNotification({ serviceId }));
    return Promise.all(notifications.map((notification) => producer.sendDeliveryStatus(notification)));
  }

  /** While all of them wait: whoever needs the database has it, at once. */
  async function expectDatabaseFree(gate: Barrier): Promise<void> {
    await gate.full;
    await eventually(async () => {
      expect({ checkedOut: pool.checkedOut, waiting: pool.waiting }).toEqual({ checkedOut: 0, waiting: 0 });
    });
    const busy = await query(
      database.url,
      `SELECT pid, state, query FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'service-callbacks' AND state <> 'idle'`,
    );
    expect(busy).toEqual([]);
    const { id } = await createNotification(service, randomUUID());
    expect(await sendReceipt(service, id)).toMatchObject({ callback: { queued: false } });
    expect(gate.waiting).toBe(CALLBACKS);
  }

  async function expectAllDelivered(serviceId: string, path: string, requests: number): Promise<void> {
    await service.logs.waitFor('callback.delivered', { service_id: serviceId }, { count: CALLBACKS });
    await nothingStands(service);
    expect(receiver.requests.filter((request) => request.path === path)).toHaveLength(requests);
    expect(service.logs.errors()).toEqual([]);
  }

  it('of ordinary jobs', async () => {
    const { gate, serviceId } = await slowEndpoint('/ordinary');
    await sendAll(serviceId);
    await gate.full;
    expect(gate.waiting).toBe(CALLBACKS);
    await expectDatabaseFree(gate);
    await expectAllDelivered(serviceId, '/ordinary', CALLBACKS);
  });

  it('of jobs of the old shape, each of which needs the database', async () => {
    const { gate, serviceId } = await slowEndpoint('/old');
    const notifications = Array.from({ length: CALLBACKS }, () => ({
      ...aNotification({ serviceId }),
      sentBy: null,
    }));
    await service.app.get(DataSource).manager.insert(NotificationEntity, notifications);
    pool.reset();
    await queueOf(service, MAIN_QUEUE).addBulk(
      notifications.map(({ id }) => ({
        name: 'delivery_status',
        data: { notification_id: id, service_id: serviceId },
      })),
    );
    await gate.full;
    expect(pool.checkOuts).toBeGreaterThanOrEqual(CALLBACKS);
    await expectDatabaseFree(gate);
    await expectAllDelivered(serviceId, '/old', CALLBACKS);
  });

  it('of retries, each of which reads its callback API again', async () => {
    const failed = new Set<unknown>();
    const { gate, serviceId } = await slowEndpoint('/retried', (slow) => (exchange) => {
      const id = exchange.request.headers['webhook-id'];
      if (failed.has(id)) return slow(exchange);
      failed.add(id);
      return status(503)(exchange);
    });
    pool.reset();
    await sendAll(serviceId);
    await gate.full;
    // Once for the producer's existence check, once for the retry.
    expect(pool.checkOuts).toBeGreaterThanOrEqual(2 * CALLBACKS);
    await expectDatabaseFree(gate);
    await expectAllDelivered(serviceId, '/retried', 2 * CALLBACKS);
  });
});
