import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { DataSource } from 'typeorm';
import {
  CallbackApisService,
  defineCallbackType,
  ServiceCallbacksProducer,
  type SendResult,
} from '../../src/index.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { held } from '../support/held.js';
import { startHost } from '../support/delivering-host.js';
import { startReceiver, status, type Receiver, type Scripted } from '../support/receiver.js';
import { query } from '../support/sql.js';

interface Order {
  readonly id: string;
  readonly serviceId: string;
  readonly state: string;
}

/** Has no `news`: its payload decides whether news is the same. */
const orderChanged = defineCallbackType<Order>({
  type: 'order_changed',
  identify: ({ id, serviceId }) => ({ serviceId, subjectId: id }),
  payload: ({ id, state }) => ({ id, state }),
});

/** Its news is the state, whatever else is in its payload. */
const orderSeen = defineCallbackType<Order & { readonly at: number }>({
  type: 'order_seen',
  identify: ({ id, serviceId, state }) => ({ serviceId, subjectId: id, news: state }),
  payload: ({ id, state, at }) => ({ id, state, at }),
});

describe('one piece of news is one callback, and different news is another', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let host: INestApplication;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    host = await startHost(database.url, {
      callbackTypes: [orderChanged, orderSeen],
      delivery: { retryDelayMs: 3_600_000, retryMaxDelayMs: 3_600_000 },
    });
  });

  afterAll(async () => {
    await host.close();
    await receiver.close();
    await database.drop();
  });

  const producer = () => host.get(ServiceCallbacksProducer);

  /** A new service with its own path, and an order of it. */
  async function anOrder(path: string, script: Scripted | readonly Scripted[] = 200): Promise<Order> {
    receiver.respond(path, script);
    const serviceId = randomUUID();
    const { bearer_token: bearerToken, updated_by_id: updatedById } = aCallbackApi();
    for (const callbackType of ['order_changed', 'order_seen'])
      await host
        .get(CallbackApisService)
        .create({ serviceId, callbackType, url: receiver.url(path), bearerToken, updatedById });
    return { id: `order-${randomUUID()}`, serviceId, state: 'paid' };
  }

  function idOf(result: SendResult | undefined): string {
    if (result?.queued !== true) throw new Error(JSON.stringify(result));
    return result.id;
  }

  const duplicateOf = (result: SendResult) => ({ queued: false, reason: 'duplicate', id: idOf(result) });

  /** The states that have arrived, as soon as there are `count`. */
  async function arrived(path: string, count: number): Promise<string[]> {
    const requests = await receiver.waitForRequests(count, { path });
    return requests.map(({ body }) => (JSON.parse(body) as Order).state).toSorted();
  }

  const recorded = async ({ id }: Order) =>
    (await query(database.url, 'SELECT id FROM service_callbacks WHERE subject_id = $1', [id])).length;

  it('sends paid and refunded, and not paid again', async () => {
    const order = await anOrder('/order');
    const paid = await producer().send(orderChanged, order);
    const refunded = await producer().send(orderChanged, { ...order, state: 'refunded' });
    expect(idOf(refunded)).not.toBe(idOf(paid));
    expect(await producer().send(orderChanged, order)).toEqual(duplicateOf(paid));
    expect(await arrived('/order', 2)).toEqual(['paid', 'refunded']);
    expect(await recorded(order)).toBe(2);
  });

  it('while the first callback waits for its response or its retry', async () => {
    const first = held(status(503));
    const order = await anOrder('/held', [first.behaviour, 200]);
    const paid = await producer().send(orderChanged, order);
    await receiver.waitForRequests(1, { path: '/held' });
    expect(await producer().send(orderChanged, order)).toEqual(duplicateOf(paid));
    expect(await producer().send(orderChanged, { ...order, state: 'sent' })).toMatchObject({ queued: true });

    first.release();
    await eventually(async () => {
      const [row] = await query(database.url, 'SELECT state FROM service_callbacks WHERE id = $1', [
        idOf(paid),
      ]);
      expect(row).toEqual({ state: 'scheduled' });
    });
    expect(await producer().send(orderChanged, order)).toEqual(duplicateOf(paid));
    expect(await producer().send(orderChanged, { ...order, state: 'lost' })).toMatchObject({ queued: true });
    expect(await arrived('/held', 3)).toEqual(['lost', 'paid', 'sent']);
  });

  it('in one transaction, and in one sendMany', async () => {
    const order = await anOrder('/transaction');
    const refunded = { ...order, state: 'refunded' };
    const results = await host
      .get(DataSource)
      .transaction(async (manager) => [
        await producer().send(orderChanged, order, { manager }),
        await producer().send(orderChanged, refunded, { manager }),
        await producer().send(orderChanged, order, { manager }),
      ]);
    expect(results.map(({ queued }) => queued)).toEqual([true, true, false]);
    expect(results[2]).toEqual(duplicateOf(results[0] as SendResult));
    expect(await arrived('/transaction', 2)).toEqual(['paid', 'refunded']);

    const sent = { ...order, state: 'sent' };
    const many = await producer().sendMany(orderChanged, [sent, order, sent]);
    const first = many.find(({ queued }) => queued) as SendResult;
    expect(many[1]).toEqual(duplicateOf(results[0] as SendResult));
    expect([many[0], many[2]].filter((result) => result?.queued === false)).toEqual([duplicateOf(first)]);
    expect(await arrived('/transaction', 3)).toEqual(['paid', 'refunded', 'sent']);
    expect(await recorded(order)).toBe(3);
  });

  it('sent by many at the same moment is one callback, and all get its id', async () => {
    const order = await anOrder('/at-once');
    const results = await Promise.all(Array.from({ length: 30 }, () => producer().send(orderChanged, order)));
    const sent = results.filter(({ queued }) => queued);
    expect(sent).toHaveLength(1);
    const duplicates = results.filter(({ queued }) => !queued);
    for (const result of duplicates) expect(result).toEqual(duplicateOf(sent[0] as SendResult));
    expect(await arrived('/at-once', 1)).toEqual(['paid']);
    expect(await recorded(order)).toBe(1);
  });

  it('is sent if the transaction of the first was rolled back', async () => {
    const order = await anOrder('/rolled-back');
    const rollback = host.get(DataSource).transaction(async (manager) => {
      await producer().send(orderChanged, order, { manager });
      throw new Error('rolled back');
    });
    await expect(rollback).rejects.toThrow('rolled back');
    expect(await producer().send(orderChanged, order)).toMatchObject({ queued: true });
    expect(await arrived('/rolled-back', 1)).toEqual(['paid']);
  });

  it('is identified by the type’s own news, if it has one', async () => {
    const order = await anOrder('/seen');
    const seen = await producer().send(orderSeen, { ...order, at: 1 });
    expect(await producer().send(orderSeen, { ...order, at: 2 })).toEqual(duplicateOf(seen));
    expect(await producer().send(orderSeen, { ...order, state: 'refunded', at: 3 })).toMatchObject({
      queued: true,
    });
    expect(await arrived('/seen', 2)).toEqual(['paid', 'refunded']);
  });

  it('of another type, subject or service is different news', async () => {
    const order = await anOrder('/others');
    const other = { ...order, id: `order-${randomUUID()}` };
    const theirs = { ...order, serviceId: (await anOrder('/theirs')).serviceId };
    const results = [
      await producer().send(orderChanged, order),
      await producer().send(orderSeen, { ...order, at: 1 }),
      await producer().send(orderChanged, other),
      await producer().send(orderChanged, theirs),
    ];
    expect(new Set(results.map(idOf)).size).toBe(4);
    await arrived('/others', 3);
    await arrived('/theirs', 1);
  });
});
