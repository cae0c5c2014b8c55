import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { forgetReceived, markReceived } from 'service-callbacks/receiver';
import { DataSource } from 'typeorm';
import { aCallbackApi } from '../../test/support/builders/a-callback-api.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../test/support/database.js';
import { causeCallback } from '../../test/support/scenario.js';
import { startTestService, type TestService } from '../../test/support/service.js';
import { AppModule } from './app.module.js';
import { DeliveriesService } from './deliveries/deliveries.service.js';

const TOKEN = 'a-token-of-the-receiver';

interface Registered {
  readonly data: { readonly id: string; readonly signing_secret: string };
}

/** The service sends, the example receives; each has a database of its own. */
describe('the example receiver', () => {
  const serviceId = randomUUID();
  let senders: TestDatabase;
  let receivers: TestDatabase;
  let service: TestService;
  let app: INestApplication;
  let deliveries: DeliveriesService;
  let url: string;
  let endpoint: string;

  beforeAll(async () => {
    [senders, receivers] = await Promise.all([createTestDatabase(), createEmptyDatabase()]);
    service = await startTestService(senders.url);
    const registration = aCallbackApi({ bearer_token: TOKEN });
    const { body } = await service.call<Registered>(
      'POST',
      `/service/${serviceId}/callback-api`,
      registration,
    );
    endpoint = `/service/${serviceId}/callback-api/${body.data.id}`;
    app = await startReceiver({ CALLBACK_SECRETS: body.data.signing_secret, CALLBACK_TOKENS: TOKEN });
    deliveries = app.get(DeliveriesService);
    url = `${await app.getUrl()}/callbacks/delivery-status`;
    await service.call('POST', endpoint, { url, updated_by_id: randomUUID() });
  });

  afterAll(async () => {
    await Promise.all([service.stop(), app.close()]);
    await Promise.all([senders.drop(), receivers.drop()]);
  });

  async function startReceiver(
    env: Readonly<Record<string, string>>,
    options: { readonly rawBody: boolean } = { rawBody: true },
  ): Promise<INestApplication> {
    // Nest has one logger for each process. It stays the service's, because the test waits for its lines.
    const module = AppModule.forRoot({ DATABASE_URL: receivers.url, ...env });
    const started = await NestFactory.create(module, { abortOnError: false, ...options });
    await started.listen(0, '127.0.0.1');
    return started;
  }

  it('counts a callback of the real service once, however often it is delivered', async () => {
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: id });
    expect(await deliveries.count('delivered')).toBe(1);

    await service.call('POST', `/service/${serviceId}/callbacks/${id}/replay`, {});
    await service.logs.waitFor('callback.delivered', { callback_id: id, attempt: 2 });
    expect(await deliveries.count('delivered')).toBe(1);
  });

  it('counts it once if two deliveries arrive at once', async () => {
    const id = randomUUID();
    const payload = { status: 'technical-failure' } as Parameters<DeliveriesService['note']>[1];
    await Promise.all(Array.from({ length: 5 }, () => deliveries.note(id, payload)));
    expect(await deliveries.count('technical-failure')).toBe(1);
  });

  it('is not marked if the effects are rolled back: the next delivery writes them', async () => {
    const id = randomUUID();
    const dataSource = app.get(DataSource);
    const failed = dataSource.transaction(async (manager) => {
      expect(await markReceived(manager, id)).toBe(true);
      throw new Error('out of order');
    });
    await expect(failed).rejects.toThrow('out of order');
    expect(await dataSource.transaction((manager) => markReceived(manager, id))).toBe(true);
    expect(await dataSource.transaction((manager) => markReceived(manager, id))).toBe(false);
  });

  it('is not marked outside of a transaction', async () => {
    await expect(markReceived(app.get(DataSource).manager, 'id')).rejects.toThrow(
      /needs the manager of an open PostgreSQL transaction/,
    );
  });

  it('deletes marks that are older than a time', async () => {
    const dataSource = app.get(DataSource);
    await dataSource.transaction((manager) => markReceived(manager, 'of-long-ago'));
    await dataSource.query(
      `UPDATE received_callbacks SET received_at = '2020-01-01' WHERE id = 'of-long-ago'`,
    );
    expect(await forgetReceived(dataSource.manager, new Date('2021-01-01'))).toBe(1);
    expect(await forgetReceived(dataSource.manager, new Date('2021-01-01'))).toBe(0);
  });

  it('has the table that TypeORM would create from the entity', async () => {
    const { upQueries } = await app.get(DataSource).driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('responds with 401 and the reason to any other request', async () => {
    const post = async (headers: Readonly<Record<string, string>>) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{}',
      });
      return `${response.status} ${((await response.json()) as { message: string }).message}`;
    };
    const signed = {
      authorization: `Bearer ${TOKEN}`,
      'webhook-id': 'id',
      'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
      'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
    };
    expect(await post({})).toBe('401 The header authorization is missing');
    expect(await post({ ...signed, authorization: 'Bearer another' })).toMatch(
      /^401 The bearer token is none/,
    );
    expect(await post(signed)).toMatch(/^401 None of the signatures/);
    expect(await post({ ...signed, 'webhook-timestamp': '1' })).toMatch(
      /^401 .* ago; at most 300 s are accepted/,
    );
  });

  it('does not start with an invalid secret, and names the missing option for the raw body', async () => {
    await expect(startReceiver({ CALLBACK_SECRETS: 'whsec_', CALLBACK_TOKENS: 'a b' })).rejects.toThrow(
      /signing secret 1 is not whsec_/,
    );
    const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
    const parsing = await startReceiver(
      { CALLBACK_SECRETS: secret, CALLBACK_TOKENS: TOKEN },
      { rawBody: false },
    );
    try {
      const response = await fetch(`${await parsing.getUrl()}/callbacks/delivery-status`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
        body: '{}',
      });
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ message: expect.stringContaining('{ rawBody: true }') });
    } finally {
      await parsing.close();
    }
  });
});
