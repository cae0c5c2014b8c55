import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { eventually } from '../support/eventually.js';
import { FAST_LOCKS, startServiceProcess, type ServiceProcess } from '../support/faults/service-process.js';
import { held, type Held } from '../support/held.js';
import { queueEnvironment } from '../support/queue-backend.js';
import { startReceiver, status, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

/** A worker that hangs loses its job to another one while its attempt is on the wire. */
describe('two attempts at once by two processes', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let environment: Environment;
  let hanging: ServiceProcess;
  let other: TestService | undefined;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    environment = { ...(await queueEnvironment()), ...FAST_LOCKS, CALLBACK_TIMEOUT_MS: '60000' };
    hanging = await startServiceProcess({ ...environment, DATABASE_URL: database.url });
  }, 120_000);

  afterAll(async () => {
    await other?.stop();
    await hanging.kill();
    await receiver.close();
    await database.drop();
  });

  it('count as two, and the success of one stands whatever the result of the other', async () => {
    const responses: readonly [Held, Held] = [held(status(503)), held(status(200))];
    receiver.respond('/both', [responses[0].behaviour, responses[1].behaviour]);
    const { serviceId } = await registerCallbackApi(hanging, { url: receiver.url('/both') });
    const { id } = await causeCallback(hanging, serviceId);
    await receiver.waitForRequests(1, { path: '/both' });
    hanging.signal('SIGSTOP');

    other = await startTestService(database.url, environment);
    await receiver.waitForRequests(2, { path: '/both', timeoutMs: 30_000 });
    responses[1].release();
    await other.logs.waitFor('callback.delivered', { callback_id: id });
    hanging.signal('SIGCONT');
    responses[0].release();

    const callbacks = callbacksOf(other, serviceId);
    await eventually(async () => {
      const { data } = (await callbacks.get(id)).body;
      expect(data.attempts_made).toBe(2);
      expect(data.state).toBe('delivered');
      expect(data.attempts?.map((attempt) => attempt['status_code'])).toEqual([503, 200]);
    });
    const [workers] = await query<{ count: number }>(
      database.url,
      `SELECT count(DISTINCT attempt->'worker')::int AS count
       FROM service_callbacks, jsonb_array_elements(attempts) attempt WHERE id = $1`,
      [id],
    );
    expect(workers?.count).toBe(2);
    expect(hanging.logs.events('callback.retrying', { callback_id: id })).toEqual([]);
    const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([id, id]);
  }, 120_000);
});
