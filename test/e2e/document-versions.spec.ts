import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { eventually } from '../support/eventually.js';
import { allFinished, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

/** A job in the shape of a release, sealed with the tests' key. Each version adds one; none is ever changed. */
interface JobFixture {
  readonly description: string;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>> & {
    readonly callback_id: string;
    readonly service_id: string;
  };
}

const DIRECTORY = join(import.meta.dirname, '..', 'fixtures', 'jobs');
const fixtures = readdirSync(DIRECTORY).map(
  (file) => JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as JobFixture,
);

describe('during a rolling deploy', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url);
    const serviceId = fixtures[0]?.data.service_id ?? '';
    await registerCallbackApi(service, { serviceId, url: receiver.url('/now') });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  it.each(fixtures.map((fixture) => [fixture.description, fixture] as const))(
    'a job of every release is delivered: %s',
    async (_, { name, data }) => {
      // As a retry, which goes to the current URL of the endpoint.
      await queueOf(service, RETRY_QUEUE).add(name, data, { jobId: `${data.callback_id}.0`, attempts: 6 });
      await service.logs.waitFor('callback.delivered', { callback_id: data.callback_id });
      const [request] = receiver.requests.filter(({ headers }) => headers['webhook-id'] === data.callback_id);
      expect(JSON.parse(request?.body ?? '')).toMatchObject({ reference: 'order-17', template_version: 3 });
      await allFinished(service);
    },
  );

  it.each([
    ['a later version', (data: object) => ({ ...data, v: 99 })],
    ['no shape that is known', () => ({})],
  ])(
    'a batch of %s goes back to the record, and a worker that knows it sends its callbacks',
    async (_, change) => {
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/later') });
      const main = queueOf(service, MAIN_QUEUE);
      await main.pause();
      const { id } = await causeCallback(service, serviceId);
      await eventually(async () => {
        const [row] = await query<{ batch: string }>(
          database.url,
          'SELECT batch FROM service_callbacks WHERE id = $1',
          [id],
        );
        const job = await main.getJob(row?.batch ?? '');
        if (!job) throw new Error('The batch is not in the queue yet');
        await job.updateData(change(job.data as Record<string, unknown>));
      });
      await main.resume();
      await eventually(async () => {
        const { body } = await callbacksOf(service, serviceId).get(id);
        expect(body.data).toMatchObject({ state: 'deferred', detail: 'platform_fault', attempts_made: 0 });
      });
      expect(service.logs.errors()).toEqual([]);
      await query(database.url, `UPDATE service_callbacks SET next_attempt_at = now() WHERE id = $1`, [id]);
      await service.logs.waitFor('callback.delivered', { callback_id: id });
      await allFinished(service);
      expect(receiver.requests.filter(({ headers }) => headers['webhook-id'] === id)).toHaveLength(1);
    },
  );
});
