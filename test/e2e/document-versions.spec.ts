import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RETRY_QUEUE } from '../../src/queues/queue-names.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { nothingStands, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

/** A job as a release wrote it, sealed with the tests' key. One is added with each version, none is changed. */
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
      // As a retry, which goes where the callback API is now.
      await queueOf(service, RETRY_QUEUE).add(name, data, { jobId: `${data.callback_id}.0`, attempts: 6 });
      await service.logs.waitFor('callback.delivered', { callback_id: data.callback_id });
      const [request] = receiver.requests.filter(({ headers }) => headers['webhook-id'] === data.callback_id);
      expect(JSON.parse(request?.body ?? '')).toMatchObject({ reference: 'order-17', template_version: 3 });
      await nothingStands(service);
    },
  );

  it('a job of this release has all that the first one reads', async () => {
    const first = fixtures.find(({ description }) => description.startsWith('the first'));
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/fails') });
    receiver.respond('/fails', [503, 200]);
    const queue = queueOf(service, RETRY_QUEUE);
    await queue.pause();
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.retrying', { callback_id: id });
    const job = await queue.getJob(`${id}.0`);
    await queue.resume();
    const kinds = (data: unknown) =>
      Object.fromEntries(Object.entries(data ?? {}).map(([field, value]) => [field, typeof value]));
    expect(kinds(job?.data)).toMatchObject(kinds(first?.data));
  });
});
