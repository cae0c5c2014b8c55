import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CallbackApisService,
  CallbackMetrics,
  defineCallbackType,
  serviceCallbackEntities,
  ServiceCallbacksModule,
  ServiceCallbacksProducer,
} from '../../src/index.js';
import { serviceCallbacksConfig } from '../../src/service-callbacks/service-callbacks.config.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver, type Receiver } from '../support/receiver.js';

interface Thing {
  readonly id: string;
  readonly sellerId: string;
}

const typeOf = (type: string) =>
  defineCallbackType<Thing>({
    type,
    identify: ({ id, sellerId }) => ({ serviceId: sellerId, subjectId: id }),
    payload: ({ id }) => ({ id }),
  });

const orderPaid = typeOf('order_paid');
const parcelLost = typeOf('parcel_lost');

@Injectable()
class Orders {
  constructor(readonly callbacks: ServiceCallbacksProducer) {}
}

@Module({ imports: [ServiceCallbacksModule.forFeature([orderPaid])], providers: [Orders] })
class OrdersModule {}

@Module({ imports: [ServiceCallbacksModule.forFeature([orderPaid, parcelLost])] })
class ParcelsModule {}

@Module({ imports: [ServiceCallbacksModule.forFeature([typeOf('parcel_lost')])] })
class CouriersModule {}

@Module({})
class Host {}

const KEY = `host:${Buffer.alloc(32, 4).toString('base64')}`;

/** A monolith whose feature modules bring callback types, configured by a file of variables. */
describe('the module in a monolith', () => {
  const running: INestApplicationContext[] = [];
  let database: TestDatabase;
  let receiver: Receiver;
  let directory: string;
  let envFilePath: string;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    // `ConfigModule` writes what its file has into the environment of the process.
    environment = { ...process.env };
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-config-'));
    database = await createTestDatabase();
    receiver = await startReceiver();
    envFilePath = join(directory, '.env');
    const variables = {
      DATABASE_URL: database.url,
      CALLBACK_ENCRYPTION_KEYS: KEY,
      CALLBACK_ALLOW_HTTP: true,
      CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
      CALLBACK_RETRY_DELAY_MS: 20,
    };
    await writeFile(
      envFilePath,
      Object.entries(variables)
        .map(([name, value]) => `${name}="${String(value)}"\n`)
        .join(''),
    );
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
  });

  afterAll(async () => {
    process.env = environment;
    await receiver.close();
    await database.drop();
    await rm(directory, { recursive: true });
  });

  async function startHost(imports: DynamicModule['imports'] = []): Promise<INestApplicationContext> {
    const host: DynamicModule = {
      module: Host,
      imports: [
        ConfigModule.forRoot({ envFilePath, load: [serviceCallbacksConfig] }),
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: database.url,
          entities: [...serviceCallbackEntities],
          retryAttempts: 0,
        }),
        ...imports,
      ],
    };
    const app = await NestFactory.createApplicationContext(host, { logger: false, abortOnError: false });
    running.push(app);
    return app;
  }

  const root = () =>
    ServiceCallbacksModule.forRootAsync({ ...serviceCallbacksConfig.asProvider(), isGlobal: true });

  it('delivers and retries types of features that are imported before or after it', async () => {
    const app = await startHost([OrdersModule, root(), ParcelsModule]);
    const sellerId = randomUUID();
    const register = (callbackType: string) =>
      app.get(CallbackApisService).create({
        serviceId: sellerId,
        callbackType,
        url: receiver.url(`/${callbackType}`),
        bearerToken: 'a-token-of-the-seller',
        updatedById: randomUUID(),
      });
    await expect(register('order_lost')).rejects.toThrow(/is not one of .*order_paid, parcel_lost/);
    await register(orderPaid.type);
    await register(parcelLost.type);
    receiver.respond('/parcel_lost', [503, 200]);
    const { callbacks } = app.get(Orders, { strict: false });
    for (const { type } of [orderPaid, parcelLost])
      expect(await callbacks.send(type, { id: randomUUID(), sellerId })).toMatchObject({ queued: true });

    await receiver.waitForRequests(1, { path: '/order_paid' });
    await receiver.waitForRequests(2, { path: '/parcel_lost' });
    const metrics = await app.get(CallbackMetrics).registry.metrics();
    expect(metrics).toContain('callback_type="order_paid"');
    expect(metrics).toContain('callback_type="parcel_lost"');
  });

  it('refuses two definitions of one type, and names their modules', async () => {
    await expect(startHost([ParcelsModule, root(), CouriersModule])).rejects.toThrow(
      'callback type "parcel_lost" is defined twice, by forFeature in ParcelsModule and by forFeature in CouriersModule',
    );
  });

  it("makes its options available to the host's ConfigService", async () => {
    const app = await startHost([root()]);
    expect(app.get(ConfigService).get('serviceCallbacks.delivery.retryDelayMs')).toBe(20);
  });
});
