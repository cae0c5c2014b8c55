import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CallbackRepository } from '../../src/service-callbacks/callbacks/callback.repository.js';
import { Maintenance } from '../../src/service-callbacks/operations/maintenance.js';
import { Relay } from '../../src/service-callbacks/relay/relay.js';
import { SafetySweep } from '../../src/service-callbacks/relay/safety-sweep.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { callbacksOf } from '../support/delivery-log-api.js';
import { readFrom } from '../support/record-store.js';
import { allFinished } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

/** What a user of the tables needs, and nothing more. */
const GRANTS = (user: string) => `
  GRANT USAGE ON SCHEMA public, bullmq TO ${user};
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, bullmq TO ${user};
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA public, bullmq TO ${user}`;

describe('a database user without rights to change the schema', () => {
  const user = `dml_${randomBytes(6).toString('hex')}`;
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    const name = new URL(database.url).pathname.slice(1);
    await query(
      database.url,
      `CREATE ROLE ${user} LOGIN PASSWORD 'a-password';
       REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC; ${GRANTS(user)}`,
    );
    const url = new URL(database.url);
    url.username = user;
    url.password = 'a-password';
    service = await startTestService(url.href, { MIGRATE_ON_START: 'false', CALLBACK_REPLAY_RATE: '1000' });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await query(database.url, `DROP OWNED BY ${user}; DROP ROLE ${user}`);
    await database.drop();
  });

  it('has none', async () => {
    const url = new URL(database.url);
    url.username = user;
    url.password = 'a-password';
    for (const statement of [
      'CREATE TABLE mine (id integer)',
      'CREATE TEMPORARY TABLE mine (id integer)',
      'ALTER TABLE service_callbacks ADD COLUMN mine integer',
      'CREATE INDEX mine ON service_callbacks (id)',
      'TRUNCATE service_callbacks',
    ])
      await expect(query(url.href, statement)).rejects.toMatchObject({ code: '42501' });
  });

  it('runs the whole of the service', async () => {
    receiver.respond('/callbacks', [200, 503, 200, 404, 200]);
    const { serviceId, id: endpointId } = await registerCallbackApi(service, {
      url: receiver.url('/callbacks'),
    });
    const delivered = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: delivered.id });
    const retried = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: retried.id, attempt: 2 });
    const givenUp = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.not_retried', { callback_id: givenUp.id });

    const letters = deadLettersOf(service, serviceId);
    expect((await letters.replay(givenUp.id)).status).toBe(202);
    await service.logs.waitFor('callback.delivered', { callback_id: givenUp.id });
    expect((await callbacksOf(service, serviceId).list()).body.data).toHaveLength(3);

    const endpoint = `/service/${serviceId}/callback-api/${endpointId}`;
    for (const action of ['disable', 'enable', 'test', 'signing-secret/rotate'])
      expect((await service.call('POST', `${endpoint}/${action}`)).status).toBe(200);
    await allFinished(service);

    await service.app.get(Relay).onModuleDestroy();
    const last = await causeCallback(service, serviceId);
    const callbacks = service.app.get(CallbackRepository);
    const [taken] = await callbacks.take({
      pending: 10,
      quiet: 10,
      due: 0,
      batchSize: 10,
      retryBatchSize: 10,
      from: readFrom(0),
    });
    const settlement = { id: last.id, endpointId, batch: taken?.batch ?? '', generation: 0 };
    expect(
      await callbacks.settle([{ ...settlement, disposition: { kind: 'return', alone: false } }]),
    ).toEqual(new Map([[last.id, true]]));
    expect((await service.call('DELETE', endpoint)).status).toBe(204);
    await service.app.get(SafetySweep).sweep();
    await service.app.get(Maintenance).tidy();
    expect(service.logs.errors()).toEqual([]);
  });
});
