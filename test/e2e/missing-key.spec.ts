import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deliveryStatus } from '../../src/service-callbacks/callback-types/delivery-status.js';
import { payloadBinding } from '../../src/service-callbacks/callbacks/callback.js';
import { MAIN_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { Relay } from '../../src/service-callbacks/relay/relay.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { givenUpRows } from '../support/given-up.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { eventually } from '../support/eventually.js';
import { FAST_LOCKS } from '../support/faults/service-process.js';
import { queueEnvironment } from '../support/queue-backend.js';
import { allFinished, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const OLD_KEY = `old:${Buffer.alloc(32, 1).toString('base64')}`;
const NEW_KEY = `new:${Buffer.alloc(32, 2).toString('base64')}`;

/** Keys rotated in the wrong order: one process seals with a key that another one does not have yet. */
describe('a worker that lacks a key', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let shared: Environment;
  let running: TestService[];

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    shared = { ...(await queueEnvironment()), ...FAST_LOCKS };
    running = [];
  });

  afterAll(async () => {
    await Promise.all(running.map((service) => service.stop()));
    await receiver.close();
    await database.drop();
  });

  async function start(role: string, ...keys: string[]): Promise<TestService> {
    const environment = { ...shared, PROCESS_ROLE: role, CALLBACK_ENCRYPTION_KEYS: keys.join() };
    const service = await startTestService(database.url, environment);
    running.push(service);
    return service;
  }

  async function stop(service: TestService): Promise<void> {
    running = running.filter((other) => other !== service);
    await service.stop();
  }

  it.each([
    ['its own relay takes the callback', 'worker'],
    ['another process takes it', 'api'],
  ])(
    'waits if %s, logs an error each time and the deferral once, and sends the callback once it has the key',
    async (_, taker) => {
      const api = await start('api', NEW_KEY, OLD_KEY);
      const { serviceId } = await registerCallbackApi(api, { url: receiver.url(`/${taker}`) });
      const worker = await start('worker', OLD_KEY);
      // One of the two relays takes.
      await (taker === 'api' ? worker : api).app.get(Relay).onModuleDestroy();

      const { id } = await causeCallback(api, serviceId);
      const [line] = await worker.logs.waitFor('callback.postponed', { callback_id: id });
      expect(line).toMatchObject({
        level: 50,
        service_id: serviceId,
        error: expect.stringMatching(/UnknownEncryptionKeyError: .*"?new"?/),
        err: { name: 'UnknownEncryptionKeyError', stack: expect.stringMatching(/\n +at /) },
      });
      const isDeferred = () =>
        eventually(async () => {
          const { body } = await callbacksOf(api, serviceId).get(id);
          expect(body.data).toMatchObject({
            state: 'deferred',
            reason: null,
            detail: 'unknown_encryption_key',
            attempts_made: 0,
          });
          const inMs = Date.parse(body.data.next_attempt_at ?? '') - Date.now();
          expect(inMs).toBeGreaterThan(20_000);
          expect(inMs).toBeLessThanOrEqual(30_000);
        });
      const isDue = () =>
        query(database.url, 'UPDATE service_callbacks SET next_attempt_at = now() WHERE id = $1', [id]);
      await isDeferred();
      await isDue();
      await worker.logs.waitFor('callback.postponed', { callback_id: id }, { count: 2 });
      await isDeferred();
      expect(await givenUpRows(database.url)).toEqual([]);

      await stop(worker);
      const informed = await start('worker', OLD_KEY, NEW_KEY);
      await isDue();
      await informed.logs.waitFor('callback.delivered', { callback_id: id, attempt: 1 });
      await allFinished(informed);
      await Promise.all([stop(informed), stop(api)]);
      expect(worker.logs.events('callback.deferred', { callback_id: id })).toHaveLength(1);
      expect(receiver.requests.filter(({ headers }) => headers['webhook-id'] === id)).toHaveLength(1);
    },
    60_000,
  );

  it('keeps a job of an earlier release in the queue', async () => {
    const worker = await start('all', OLD_KEY);
    const { serviceId, id: apiId } = await registerCallbackApi(worker, { url: receiver.url('/old-job') });
    const id = randomUUID();
    const payload = deliveryStatus.payload(aNotification({ serviceId }));
    const document = { v: 1, url: receiver.url('/old-job'), bearer_token: 'a-token', payload };
    const job = await queueOf(worker, MAIN_QUEUE).add('delivery_status', {
      v: 1,
      callback_id: id,
      service_id: serviceId,
      callback_type: 'delivery_status',
      callback_api_id: apiId,
      subject_id: randomUUID(),
      queued_at: Date.now(),
      document: new PayloadCipher([NEW_KEY]).encrypt(JSON.stringify(document), payloadBinding(id)),
    });
    const [line] = await worker.logs.waitFor('job.postponed', { job_id: job.id });
    expect(line).toMatchObject({
      level: 50,
      err: { name: 'UnknownEncryptionKeyError', message: expect.stringContaining('"new"') },
    });
    await stop(worker);
    const informed = await start('all', OLD_KEY, NEW_KEY);
    await informed.logs.waitFor('callback.delivered', { callback_id: id });
    expect(await givenUpRows(database.url)).toEqual([]);
    await stop(informed);
  }, 60_000);
});
