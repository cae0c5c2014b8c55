import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { getQueueToken } from '@nestjs/bullmq';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Queue } from 'bullmq';
import { CallbackApisService } from 'service-callbacks';
import { createEmptyDatabase, type TestDatabase } from '../../test/support/database.js';
import { eventually } from '../../test/support/eventually.js';
import { startReceiver, type Receiver } from '../../test/support/receiver.js';
import { AppModule, type CallbackParts } from './app.module.js';
import { Order } from './orders/order.entity.js';
import { OrdersService } from './orders/orders.service.js';

const TOKEN = 'a-token-of-the-seller';

describe('a host application', () => {
  const running: INestApplicationContext[] = [];
  let database: TestDatabase;
  let receiver: Receiver;
  let sellerId: string;

  beforeAll(async () => {
    // Empty: the host's own DataSource brings the module's tables, the module brings its queues'.
    database = await createEmptyDatabase();
    receiver = await startReceiver();
  });

  beforeEach(() => {
    sellerId = randomUUID();
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
  });

  afterAll(async () => {
    await receiver.close();
    await database.drop();
  });

  const module = (parts?: CallbackParts) =>
    AppModule.forRoot(
      {
        NODE_ENV: 'test',
        DATABASE_URL: database.url,
        CALLBACK_ENCRYPTION_KEYS: `host:${Buffer.alloc(32, 1).toString('base64')}`,
        CALLBACK_ALLOW_HTTP: 'true',
        CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
      },
      parts,
    );

  /** The host with its REST API. */
  async function startHost(parts?: CallbackParts): Promise<RunningHost> {
    const app = await NestFactory.create(module(parts), { logger: ['error'], abortOnError: false });
    running.push(app);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    return {
      app,
      post: async (path, body) => {
        const headers = { 'content-type': 'application/json' };
        const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
        return { status: response.status, body: await response.json() };
      },
    };
  }

  /** A process of the same host without its REST API: it only delivers. */
  async function startWorker(): Promise<void> {
    running.push(await NestFactory.createApplicationContext(module(), { logger: ['error'] }));
  }

  const register = (host: RunningHost) =>
    host.app.get(CallbackApisService).create({
      serviceId: sellerId,
      callbackType: 'order_dispatched',
      url: receiver.url(`/${sellerId}`),
      bearerToken: TOKEN,
      updatedById: randomUUID(),
    });

  /** Callbacks that nobody attempts yet. */
  const waiting = (host: RunningHost) => host.app.get<Queue>(getQueueToken('service-callbacks')).count();

  it('sends a seller a callback of its own type', async () => {
    const host = await startHost();
    await register(host);

    const placed = await host.post('/orders', { seller_id: sellerId });
    const { id } = placed.body as Order;
    const dispatched = await host.post(`/orders/${id}/dispatch`, { tracking_number: `AB-${id}` });

    expect(dispatched).toEqual({ status: 201, body: { queued: true, id: expect.any(String) } });
    const [request] = await receiver.waitForRequests(1, { path: `/${sellerId}` });
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'webhook-id': (dispatched.body as { id: string }).id,
    });
    const { dispatchedAt } = await host.app.get(OrdersService).find(id).then(present);
    expect(request?.body).toBe(
      JSON.stringify({
        order_id: id,
        tracking_number: `AB-${id}`,
        dispatched_at: dispatchedAt?.toISOString(),
      }),
    );
  });

  it('learns that a seller has no endpoint, and goes on', async () => {
    const host = await startHost({ processors: false });
    const orders = host.app.get(OrdersService);
    const { id } = await orders.place(sellerId);

    expect(await orders.dispatch(id, `AB-${id}`)).toEqual({ queued: false, reason: 'no_callback_api' });
    expect(await orders.find(id)).toMatchObject({ status: 'dispatched' });
    expect(await waiting(host)).toBe(0);
  });

  it('sends no callback if the transaction cannot commit', async () => {
    const host = await startHost({ processors: false });
    await register(host);
    const orders = host.app.get(OrdersService);
    const [first, second] = [await orders.place(sellerId), await orders.place(sellerId)];
    await orders.dispatch(first.id, `AB-${first.id}`);

    // The tracking number is taken. The database checks this at the commit, after the callback was enqueued.
    await expect(orders.dispatch(second.id, `AB-${first.id}`)).rejects.toThrow(/tracking_number/);

    expect(await orders.find(second.id)).toMatchObject({ status: 'placed' });
    await eventually(async () => expect(await waiting(host)).toBe(1));
    await startWorker();
    await receiver.waitForRequests(1, { path: `/${sellerId}` });
  });

  it('enqueues in one process and delivers in another', async () => {
    const producer = await startHost({ processors: false });
    await register(producer);
    const orders = producer.app.get(OrdersService);
    const { id } = await orders.place(sellerId);
    await orders.dispatch(id, `AB-${id}`);
    await eventually(async () => expect(await waiting(producer)).toBe(1));
    expect(receiver.requests.filter(({ path }) => path === `/${sellerId}`)).toEqual([]);

    await startWorker();

    const [request] = await receiver.waitForRequests(1, { path: `/${sellerId}` });
    expect(request?.body).toContain(id);
  });

  it('has the management API if it enables it', async () => {
    const host = await startHost({ controllers: true });

    const registered = await host.post(`/service/${sellerId}/callback-api`, registration());

    expect(registered).toMatchObject({
      status: 201,
      body: { data: { service_id: sellerId, callback_type: 'order_dispatched' } },
    });
    const orders = host.app.get(OrdersService);
    const { id } = await orders.place(sellerId);
    await orders.dispatch(id, `AB-${id}`);
    await receiver.waitForRequests(1, { path: `/${sellerId}` });
  });

  it('has no management API by default', async () => {
    const host = await startHost({ processors: false });

    expect(await host.post(`/service/${sellerId}/callback-api`, registration())).toMatchObject({
      status: 404,
    });
  });

  const registration = () => ({
    callback_type: 'order_dispatched',
    url: receiver.url(`/${sellerId}`),
    bearer_token: TOKEN,
    updated_by_id: randomUUID(),
  });
});

interface RunningHost {
  readonly app: INestApplicationContext;
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
}

function present(order: Order | null): Order {
  if (order === null) throw new Error('The order is not there');
  return order;
}
