import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { CallbackApisService, ServiceCallbacksProducer } from 'service-callbacks';
import {
  callbacksModuleIn,
  SentCallbacks,
  ServiceCallbacksTestingModule,
  startLocalReceiver,
  type LocalReceiver,
} from 'service-callbacks/testing';
import { DataSource } from 'typeorm';
import { createEmptyDatabase, type TestDatabase } from '../../test/support/database.js';
import { AppModule } from '../host-app/app.module.js';
import { orderDispatched } from '../host-app/orders/order-dispatched.callback.js';
import { Order } from '../host-app/orders/order.entity.js';
import { OrdersModule } from '../host-app/orders/orders.module.js';
import { OrdersService } from '../host-app/orders/orders.service.js';

let database: TestDatabase;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  database = await createEmptyDatabase();
  env = {
    NODE_ENV: 'test',
    DATABASE_URL: database.url,
    CALLBACK_ENCRYPTION_KEYS: `host:${Buffer.alloc(32, 1).toString('base64')}`,
    CALLBACK_ALLOW_HTTP: 'true',
    CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
    CALLBACK_RETRY_DELAY_MS: '1',
  };
});

afterAll(() => database.drop());

describe('a host with the real module', () => {
  let app: INestApplicationContext;
  let receiver: LocalReceiver;

  beforeAll(async () => {
    receiver = await startLocalReceiver();
    app = await NestFactory.createApplicationContext(AppModule.forRoot(env), { logger: ['error'] });
  });

  afterAll(async () => {
    await app.close();
    await receiver.close();
  });

  // #region receiver
  it('delivers the callback of a dispatched order at the third attempt', async () => {
    const sellerId = randomUUID();
    const url = `${receiver.url}/orders`;
    const endpoint = { serviceId: sellerId, callbackType: 'order_dispatched', url };
    await app.get(CallbackApisService).create({ ...endpoint, bearerToken: 'a-token', updatedById: sellerId });
    receiver.respondWith(503, 503, 200);

    const { id } = await app.get(OrdersService).place(sellerId);
    await app.get(OrdersService).dispatch(id, 'AB-1');

    const { attempts } = await receiver.waitForCallback({ order_id: id, tracking_number: 'AB-1' });
    expect(attempts.map(({ statusCode }) => statusCode)).toEqual([503, 503, 200]);
  });
  // #endregion

  it('names the requests that arrived if the callback does not', async () => {
    await expect(receiver.waitForCallback({ order_id: 'another' }, { timeoutMs: 1 })).rejects.toThrow(
      /^No callback with { order_id: 'another' } arrived within 1 ms; requests: \n {2}\/orders 503 \{"order_id"/,
    );
  });
});

describe('a host with the testing module in place of the real one', () => {
  let module: TestingModule;
  let callbacks: SentCallbacks;
  let orders: OrdersService;
  let producer: ServiceCallbacksProducer;

  beforeAll(async () => {
    // #region override
    const application = AppModule.forRoot(env);
    module = await Test.createTestingModule({ imports: [application] })
      .overrideModule(callbacksModuleIn(application))
      .useModule(ServiceCallbacksTestingModule.forRoot({ callbackTypes: [orderDispatched] }))
      .compile();
    // #endregion
    callbacks = module.get(SentCallbacks, { strict: false });
    orders = module.get(OrdersService, { strict: false });
    producer = module.get(ServiceCallbacksProducer, { strict: false });
  });

  afterAll(() => module.close());

  it('sends nothing for a transaction that cannot commit', async () => {
    const [first, second] = [await orders.place(randomUUID()), await orders.place(randomUUID())];
    await orders.dispatch(first.id, 'AB-2');

    // The tracking number is taken. The database checks this at the commit, after the callback was sent.
    await expect(orders.dispatch(second.id, 'AB-2')).rejects.toThrow(/tracking_number/);

    callbacks.assertSent(orderDispatched, { order_id: first.id });
    callbacks.assertNotSent(orderDispatched, { order_id: second.id });
    expect(await callbacks.deliverNow()).toHaveLength(1);
  });

  it('sends the callbacks of a transaction when it commits, without those of a rolled back savepoint', async () => {
    const order = (id: string) => Object.assign(new Order(), { id, sellerId: randomUUID() });
    await module.get(DataSource, { strict: false }).transaction(async (manager) => {
      await producer.send(orderDispatched, order('kept'), { manager });
      await manager.transaction((nested) =>
        producer.send(orderDispatched, order('nested'), { manager: nested }),
      );
      const undone = manager.transaction(async (nested) => {
        await producer.send(orderDispatched, order('undone'), { manager: nested });
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      callbacks.assertNotSent(orderDispatched, { order_id: 'kept' });
    });
    const ids = callbacks.sent(orderDispatched).map(({ subjectId }) => subjectId);
    expect(ids.filter((id) => ['kept', 'nested', 'undone'].includes(id ?? ''))).toEqual(['kept', 'nested']);
  });

  it('cannot replace a module that is not imported', () => {
    expect(() => callbacksModuleIn(OrdersModule)).toThrow(
      'OrdersModule and the modules that it imports do not import ServiceCallbacksModule.forRoot(…)',
    );
  });
});
