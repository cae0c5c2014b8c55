import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, HttpCode, Module, Post, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { serviceCallbackEntities, ServiceCallbacksModule, ServiceCallbacksProducer } from 'service-callbacks';
import { ConsoleAccess, ConsoleModule } from 'service-callbacks/console';
import {
  CallbackReceiverModule,
  ReceivedCallback,
  VerifyCallback,
  type VerifiedCallback,
} from 'service-callbacks/receiver';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { anError } from '../support/refusals.js';

const received: VerifiedCallback[] = [];

@Controller('callbacks')
class ReceivingController {
  @Post()
  @HttpCode(204)
  @VerifyCallback()
  receive(@ReceivedCallback() callback: VerifiedCallback): void {
    received.push(callback);
  }
}

@Module({})
class Host {}

/** The parts of a response that the tests look at. */
interface Body {
  readonly data: { readonly id: string; readonly signing_secret: string; readonly replay_id: string };
}

describe('on Fastify', () => {
  const service = `/service/${randomUUID()}`;
  const running: NestFastifyApplication[] = [];
  let database: TestDatabase;
  let sender: NestFastifyApplication;
  let senderUrl: string;
  let receiverUrl: string;
  let endpoint: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    sender = await create({ imports: callbacks() });
    await sender.listen(0, '127.0.0.1');
    senderUrl = await sender.getUrl();

    const { body } = await call('POST', `${service}/callback-api`, aCallbackApi());
    endpoint = `${service}/callback-api/${body.data.id}`;
    const secrets = body.data.signing_secret;
    const receiver = await create({
      imports: [CallbackReceiverModule.forRoot({ secrets })],
      controllers: [ReceivingController],
    });
    await receiver.listen(0, '127.0.0.1');
    receiverUrl = `${await receiver.getUrl()}/callbacks`;
    await call('POST', endpoint, { url: receiverUrl, updated_by_id: 'someone' });
  });

  afterAll(async () => {
    await Promise.all(running.map((app) => app.close()));
    await database.drop();
  });

  async function create(metadata: ModuleMetadata): Promise<NestFastifyApplication> {
    const module: DynamicModule = { module: Host, ...metadata };
    const options = { logger: false, abortOnError: false, rawBody: true } as const;
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), options);
    running.push(app);
    return app;
  }

  const callbacks = () => [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: database.url,
      entities: [...serviceCallbackEntities],
      retryAttempts: 0,
    }),
    ServiceCallbacksModule.forRoot({
      queue: { backend: 'postgres' },
      encryptionKeys: [`host:${Buffer.alloc(32, 3).toString('base64')}`],
      addresses: { allowHttp: true, allowedNetworks: ['127.0.0.0/8'] },
      isGlobal: true,
      controllers: true,
    }),
  ];

  async function call(method: string, path: string, body?: unknown) {
    const response = await fetch(senderUrl + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as Body,
    };
  }

  it('delivers to a receiver that verifies, and replays', async () => {
    const serviceId = service.replace('/service/', '');
    const sent = await sender.get(ServiceCallbacksProducer).sendDeliveryStatus(aNotification({ serviceId }));
    const { id } = sent as { id: string };
    const isDelivered = (attempts: number) =>
      eventually(async () =>
        expect(await call('GET', `${service}/callbacks/${id}`)).toMatchObject({
          status: 200,
          body: { data: { state: 'delivered', attempts_made: attempts } },
        }),
      );
    await isDelivered(1);
    expect((await call('POST', `${service}/callbacks/${id}/replay`)).status).toBe(202);
    await isDelivered(2);
    expect(received).toMatchObject([
      { id, isTest: false, payload: { reference: 'order-17' } },
      { id, isTest: false, payload: { reference: 'order-17' } },
    ]);

    const replay = await call('POST', `${service}/callbacks/replay`, {});
    expect(replay).toMatchObject({ status: 202, body: { data: { count: 1 } } });
    const run = `${service}/replays/${replay.body.data.replay_id}`;
    expect((await call('GET', run)).status).toBe(200);
    expect((await call('POST', `${run}/stop`)).status).toBe(200);
    expect(await call('GET', `${service}/callbacks?limit=1`)).toMatchObject({
      status: 200,
      body: { data: [{ id }] },
    });
    expect(await call('GET', `${service}/dead-letters`)).toMatchObject({ status: 200, body: { data: [] } });
  });

  it('lets in nothing that is not signed', async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(receiverUrl, { method: 'POST', headers, body: '{}' });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain('The header webhook-id is missing');
  });

  it('disables, enables and tests an endpoint, and says when it may be tested again', async () => {
    expect(await call('POST', `${endpoint}/disable`)).toMatchObject({
      status: 200,
      body: { data: { disabled_reason: 'by_hand' } },
    });
    expect(await call('POST', `${endpoint}/enable`, {})).toMatchObject({
      status: 200,
      body: { data: { disabled_at: null } },
    });
    const tests = [];
    for (let count = 0; count < 11; count += 1) tests.push(await call('POST', `${endpoint}/test`));
    expect(tests[0]).toMatchObject({
      status: 200,
      body: { data: { outcome: 'delivered', status_code: 204 } },
    });
    expect(received.at(-1)).toMatchObject({ isTest: true });
    expect(tests[10]).toMatchObject(anError(429, /test/));
    expect(Number(tests[10]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call('GET', `${endpoint}/health`)).status).toBe(200);
  });

  it('responds to bad requests as on Express', async () => {
    expect(await call('POST', `${service}/callback-api`, aCallbackApi())).toMatchObject(
      anError(409, /has a callback API/),
    );
    const bad = { ...aCallbackApi({ url: 'ftp://example.com' }), colour: 'red' };
    expect(await call('POST', `${service}/callback-api`, bad)).toMatchObject(
      anError(400, /colour is not accepted/, /url/),
    );
    expect(await call('GET', `${service}/callbacks?limit=0&state=lost`)).toMatchObject(
      anError(400, /state "lost"/, /limit/),
    );
    expect(await call('GET', `${service}/callbacks/${randomUUID()}`)).toMatchObject(
      anError(404, /has no callback/),
    );
  });

  it('rotates the signing secret, and deletes an endpoint', async () => {
    const made = aCallbackApi({ callback_type: 'complaint' });
    const { body } = await call('POST', `${service}/callback-api`, made);
    const path = `${service}/callback-api/${body.data.id}`;
    const rotated = await call('POST', `${path}/signing-secret/rotate`);
    expect(rotated.body.data.signing_secret).toMatch(/^whsec_/);
    expect(rotated.body.data.signing_secret).not.toBe(body.data.signing_secret);
    expect(await call('DELETE', path)).toMatchObject({ status: 204, body: undefined });
    expect(await call('GET', path)).toMatchObject(anError(404, /callback API/));
  });

  it('refuses to show its console, by name', async () => {
    const access = { provide: ConsoleAccess, useValue: {} };
    const host = await create({ imports: [...callbacks(), ConsoleModule.forRoot({ access })] });
    await expect(host.init()).rejects.toThrow(/console needs @nestjs\/platform-express, and .* on fastify/);
  });
});
