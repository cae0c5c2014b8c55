import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RETRY_QUEUE } from '../../src/queues/queue-names.js';
import { QueueBackend } from '../../src/queues/queue-backend.js';
import { aRetryJob } from '../support/builders/a-retry-job.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

const MASS = 300;

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

describe('a mass that is put off together (R17)', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      QUEUE_BACKEND: 'postgres',
      CALLBACK_CIRCUIT_FAILURES: '1',
      CALLBACK_CIRCUIT_OPEN_MS: '60000',
    });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  it('does not stand in front of the queue’s connections', async () => {
    receiver.respond('/dead', [503]);
    const api = await registerCallbackApi(service, { url: receiver.url('/dead') });
    await causeCallback(service, api.serviceId);
    await service.logs.waitFor('callback.retrying', { service_callback_url: api.url });

    const queue = queueOf(service, RETRY_QUEUE);
    await queue.pause();
    const jobs = Array.from({ length: MASS }, () => aRetryJob(service, api, Date.now(), 'deferred'));
    await queue.addBulk(jobs.map(({ name, data, options }) => ({ name, data, opts: options })));
    const mostWaiting = watchWaiting(service);
    await queue.resume();
    await service.logs.waitFor('callback.deferred', { service_callback_url: api.url }, { count: MASS });
    expect(mostWaiting()).toBeLessThan(MASS / 10);
  });
});
