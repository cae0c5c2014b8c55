import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { CallbackApiEntity } from '../../src/service-callbacks/endpoints/callback-api.entity.js';
import { CallbackApiRepository } from '../../src/service-callbacks/endpoints/callback-api.repository.js';
import { Clock } from '../../src/service-callbacks/clock.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const URL_OF_SERVICE = 'http://127.0.0.1/callbacks';

describe('callback APIs in the database', () => {
  let database: TestDatabase;
  let service: TestService;
  let repository: CallbackApiRepository;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, { PROCESS_ROLE: 'api' });
    repository = service.app.get(CallbackApiRepository);
  });

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  it('are unique for a service and type, also if many are created at the same moment', async () => {
    const serviceId = randomUUID();
    const register = () =>
      service.call('POST', `/service/${serviceId}/callback-api`, aCallbackApi({ url: URL_OF_SERVICE }));

    const responses = await Promise.all(Array.from({ length: 10 }, register));

    const statuses = Map.groupBy(responses, ({ status }) => status);
    expect(statuses.get(201)).toHaveLength(1);
    expect(statuses.get(409)).toHaveLength(9);
    expect(await repository.list(serviceId)).toHaveLength(1);
  });

  it('have an encrypted token', async () => {
    const api = await registerCallbackApi(service, { url: URL_OF_SERVICE });
    const [row] = await query(database.url, 'SELECT * FROM service_callback_apis WHERE id = $1', [api.id]);
    expect(row).toMatchObject({ bearer_token: expect.stringMatching(/^test\.[\w-]+$/) });
    expect(JSON.stringify(row)).not.toContain(api.bearerToken);
    expect(await repository.findWithSecrets(api.serviceId, 'delivery_status')).toMatchObject({
      callbackApiId: api.id,
      url: URL_OF_SERVICE,
      bearerToken: api.bearerToken,
    });
  });

  it('cannot use each other’s token', async () => {
    const [victim, thief] = await Promise.all([
      registerCallbackApi(service, { url: URL_OF_SERVICE }),
      registerCallbackApi(service, { url: URL_OF_SERVICE }),
    ]);
    await query(
      database.url,
      `UPDATE service_callback_apis SET bearer_token =
         (SELECT bearer_token FROM service_callback_apis WHERE id = $1) WHERE id = $2`,
      [victim.id, thief.id],
    );
    await expect(repository.findWithSecrets(thief.serviceId, 'delivery_status')).rejects.toThrow(
      /does not authenticate/,
    );
  });

  it('are found in their own schema by a caller with another search_path', async () => {
    const api = await registerCallbackApi(service, { url: URL_OF_SERVICE });
    const options = dataSourceOptions({ url: database.url, poolSize: 2, entities: [CallbackApiEntity] });
    const dataSource = await new DataSource({ ...options, schema: 'public' }).initialize();
    const inSchema = new CallbackApiRepository(
      dataSource,
      service.app.get(PayloadCipher),
      service.app.get(Clock),
    );
    try {
      const target = await dataSource.transaction(async (manager) => {
        await manager.query('SET LOCAL search_path TO bullmq');
        return inSchema.findWithSecrets(api.serviceId, 'delivery_status', manager);
      });
      expect(target).toMatchObject({ callbackApiId: api.id, bearerToken: api.bearerToken });
    } finally {
      await dataSource.destroy();
    }
  });

  it('keep their token if an update has none', async () => {
    const api = await registerCallbackApi(service, { url: URL_OF_SERVICE });
    await repository.update(api.serviceId, api.id, {
      url: `${URL_OF_SERVICE}/moved`,
      updatedById: randomUUID(),
    });
    expect(await repository.findWithSecrets(api.serviceId, 'delivery_status')).toMatchObject({
      url: `${URL_OF_SERVICE}/moved`,
      bearerToken: api.bearerToken,
    });
  });

  it('belong to their service alone', async () => {
    const api = await registerCallbackApi(service, { url: URL_OF_SERVICE });
    const stranger = randomUUID();
    expect(await repository.find(stranger, api.id)).toBeNull();
    expect(await repository.update(stranger, api.id, { updatedById: stranger })).toBeNull();
    expect(await repository.remove(stranger, api.id)).toBe(false);
    expect(await repository.list(api.serviceId)).toHaveLength(1);
  });
});
