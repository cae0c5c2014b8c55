import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RETRY_QUEUE } from '../../src/queues/queue-names.js';
import { QueueBackend } from '../../src/queues/queue-backend.js';
import { PutOff } from '../../src/service-callbacks/delivery/put-off.js';
import { aRetryJob } from '../support/builders/a-retry-job.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

const MASS = 300;
/** A quarter of the pool's ten but for the two that listen. */
const PLACES = 2;

/** The most that wait for a connection of the queue's pool, at every turn of the event loop. */
function watchWaiting(service: TestService): () => number {
  const backend = service.app.get(QueueBackend);
  let most = 0;
  let isOver = false;
  const look = (): void => {
    most = Math.max(most, backend.poolCounts?.waitingCount ?? Number.NaN);
    if (!isOver) setImmediate(look);
  };
  look();
  return () => {
    isOver = true;
    return most;
  };
}

const about = (api: RegisteredCallbackApi) => ({ service_callback_url: api.url });

describe('a mass that is put off together (R17)', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= service.stop());

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      CALLBACK_CIRCUIT_FAILURES: '1',
      CALLBACK_CIRCUIT_OPEN_MS: '60000',
    });
  });

  afterAll(async () => {
    await stop();
    await receiver.close();
    await database.drop();
  });

  /** An endpoint whose circuit is open. */
  async function deadEndpoint(path: string) {
    receiver.respond(path, [503]);
    const api = await registerCallbackApi(service, { url: receiver.url(path) });
    await causeCallback(service, api.serviceId);
    await service.logs.waitFor('callback.retrying', about(api));
    return api;
  }

  /** So many are due at once. */
  async function dueTogether(api: RegisteredCallbackApi, count: number): Promise<void> {
    const queue = queueOf(service, RETRY_QUEUE);
    await queue.pause();
    const jobs = Array.from({ length: count }, () => aRetryJob(service, api, Date.now(), 'deferred'));
    await queue.addBulk(jobs.map(({ name, data, options }) => ({ name, data, opts: options })));
    await queue.resume();
  }

  it('does not stand in front of the queue’s connections', async () => {
    const api = await deadEndpoint('/dead');
    const mostWaiting = watchWaiting(service);
    await dueTogether(api, MASS);
    await service.logs.waitFor('callback.deferred', about(api), { count: MASS });
    expect(mostWaiting()).toBeLessThan(MASS / 10);
  });

  it('waits for its turn in a lane of its own, and a stop does not wait for that', async () => {
    const api = await deadEndpoint('/waits');
    const putOff = service.app.get(PutOff);
    const never = new Promise<never>(() => undefined);
    for (let place = 0; place < PLACES; place += 1) void putOff.inTurn('retry', 0, () => never);
    await dueTogether(api, 20);
    await causeCallback(service, api.serviceId);
    const ofLane = { first: { ...about(api), attempt: 1 }, retry: { ...about(api), attempt: 2 } };
    await service.logs.waitFor('callback.deferred', ofLane.first);
    // With the retry of the callback that opened the circuit.
    await eventually(async () => expect(await queueOf(service, RETRY_QUEUE).getActiveCount()).toBe(21));
    expect(service.logs.events('callback.deferred', ofLane.retry)).toEqual([]);
    await stop();
    expect(service.logs.events('callback.deferred', ofLane.retry)).toHaveLength(21);
    // Less than the ten seconds after which a turn is waited for no more.
  }, 8_000);
});
