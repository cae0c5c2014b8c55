import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { aNotification } from '../../test/support/builders/a-notification.js';
import { CallbackApisService } from '../service-callbacks/endpoints/callback-apis.service.js';
import { defineCallbackType } from '../service-callbacks/callback-types/callback-type.js';
import { ServiceCallbacksProducer } from '../service-callbacks/producer/service-callbacks-producer.js';
import type { CallbackEvents } from '../service-callbacks/events/callback-events.js';
import { OnCallback } from '../service-callbacks/events/on-callback.decorator.js';
import { verifyCallback } from '../receiver/verify-callback.js';
import { callbackMatchers } from './callback-matchers.js';
import { SentCallbacks } from './sent-callbacks.js';
import {
  ServiceCallbacksTestingModule,
  type ServiceCallbacksTestingOptions,
} from './service-callbacks-testing.module.js';

interface Order {
  readonly id: string;
  readonly items: readonly string[];
}

const orderDispatched = defineCallbackType<Order>({
  type: 'order_dispatched',
  identify: ({ id }) => ({ serviceId: 'seller', subjectId: id }),
  payload: ({ id, items }) => ({ order_id: id, items, carrier: { name: 'ACME' } }),
});

const HOUR_MS = 3_600_000;

async function start(options: ServiceCallbacksTestingOptions = {}) {
  const module = await Test.createTestingModule({
    imports: [ServiceCallbacksTestingModule.forRoot({ callbackTypes: [orderDispatched], ...options })],
  }).compile();
  return kit(module);
}

const kit = (module: TestingModule) => ({
  callbacks: module.get(SentCallbacks),
  producer: module.get(ServiceCallbacksProducer),
  apis: module.get(CallbackApisService),
});

const anOrder = (): Order => ({ id: randomUUID(), items: ['tea', 'cups'] });

/** A host's handlers of events. */
@Injectable()
class Pager {
  readonly seen: unknown[] = [];

  @OnCallback('delivered', 'retrying', 'given_up')
  async note(event: CallbackEvents['delivered' | 'retrying' | 'given_up']): Promise<void> {
    this.seen.push([event.attempt, event.statusCode, 'reason' in event ? event.reason : null]);
  }
}

describe('ServiceCallbacksTestingModule', () => {
  let callbacks: SentCallbacks;
  let producer: ServiceCallbacksProducer;

  beforeAll(async () => ({ callbacks, producer } = await start()));
  afterEach(() => callbacks.clear());

  describe('what was sent', () => {
    it('is found by its type and by a part of its payload', async () => {
      const order = anOrder();
      const result = await producer.send(orderDispatched, order);

      const sent = callbacks.assertSent('order_dispatched', {
        order_id: order.id,
        items: ['tea', expect.any(String)],
        carrier: {},
      });
      expect(result).toEqual({ queued: true, id: sent.id });
      expect(sent).toMatchObject({
        serviceId: 'seller',
        subjectId: order.id,
        state: 'waiting',
        attempts: [],
      });
      for (const payload of [{ order_id: 'another' }, { items: ['tea'] }, { carrier: { name: null } }])
        callbacks.assertNotSent(orderDispatched, payload);
      callbacks.assertNotSent('complaint');
    });

    it('is shown if something else was expected', async () => {
      await producer.send(orderDispatched, anOrder());
      expect(() => callbacks.assertSent('complaint')).toThrow(
        /^No complaint was sent\n\nSent were:\n {2}order_dispatched \{ order_id: '.{36}',/,
      );
      expect(() => callbacks.assertNotSent()).toThrow(/^A callback was sent/);
      callbacks.clear();
      expect(() => callbacks.assertSent('complaint', { to: 'x' })).toThrow(
        "No complaint with { to: 'x' } was sent\n\nNothing was sent",
      );
    });

    it('cannot be found by an unknown type', () => {
      expect(() => callbacks.assertNotSent('order_dispached')).toThrow(
        /"order_dispached" is not known; known are/,
      );
    });

    it('has a matcher for expect()', async () => {
      const { toHaveSent } = callbackMatchers;
      await producer.send(orderDispatched, anOrder());
      expect(toHaveSent(callbacks, orderDispatched).pass).toBe(true);
      const absent = toHaveSent(callbacks, 'complaint');
      expect(absent.pass).toBe(false);
      expect(absent.message()).toMatch(/^Expected complaint\n\nSent were:\n {2}order_dispatched/);
      expect(() => toHaveSent({}, 'complaint')).toThrow(/is for SentCallbacks/);
    });
  });

  describe('the rules of production', () => {
    it('refuse a payload that cannot be sent, and an invalid id', async () => {
      await expect(producer.send(orderDispatched, { id: 'one', items: [1n as never] })).rejects.toThrow(
        /BigInt/,
      );
      await expect(producer.send(orderDispatched, { id: '', items: [] })).rejects.toThrow(/subjectId/);
      callbacks.assertNotSent();
    });

    it('send nothing for a letter or a status that is not final', async () => {
      expect(await producer.sendDeliveryStatus(aNotification({ notificationType: 'letter' }))).toEqual({
        queued: false,
        reason: 'letter',
      });
      expect(await producer.sendDeliveryStatus(aNotification({ status: 'sending' }))).toEqual({
        queued: false,
        reason: 'not_final',
      });
      callbacks.assertNotSent();
    });

    it('send the same news once until the idempotency window ends', async () => {
      const order = anOrder();
      const first = await producer.send(orderDispatched, order);
      expect(await producer.send(orderDispatched, order)).toEqual({
        queued: false,
        reason: 'duplicate',
        id: (first as { id: string }).id,
      });
      callbacks.clock.advanceBy(24 * HOUR_MS);
      expect(await producer.send(orderDispatched, order)).toMatchObject({ queued: true });
      expect(callbacks.sent()).toHaveLength(2);
    });
  });

  describe('delivery', () => {
    it('retries a 503 and no response by the schedule, and records each attempt', async () => {
      callbacks.respondWith(503, { error: 'timeout' }, 200);
      await producer.send(orderDispatched, anOrder());

      const [first] = await callbacks.deliverDue();
      const wait = Number(first?.nextAttemptAt) - callbacks.clock.now();
      expect(first).toMatchObject({ state: 'retrying', attemptCount: 1 });
      expect(wait).toBeGreaterThanOrEqual(150_000);
      expect(wait).toBeLessThanOrEqual(300_000);
      expect(await callbacks.deliverDue()).toEqual([]);

      callbacks.clock.advanceBy(300_000);
      await callbacks.deliverDue();
      const [last] = await callbacks.deliverNow();
      expect(last).toMatchObject({
        state: 'delivered',
        nextAttemptAt: null,
        attempts: [{ statusCode: 503 }, { error: 'timeout', statusCode: null }, { statusCode: 200 }],
      });
    });

    it('honours Retry-After', async () => {
      callbacks.respondWith({ statusCode: 429, headers: { 'Retry-After': '3600' } });
      await producer.send(orderDispatched, anOrder());
      const [callback] = await callbacks.deliverDue();
      expect(callback?.nextAttemptAt).toEqual(new Date(callbacks.clock.now() + HOUR_MS));
    });

    it('gives up after a final response, and after the last retry', async () => {
      callbacks.respondWith(404);
      await producer.send(orderDispatched, anOrder());
      expect(await callbacks.deliverNow()).toMatchObject([
        { state: 'given_up', reason: 'not_retried', attemptCount: 1 },
      ]);
      callbacks.respondWith(500);
      await producer.send(orderDispatched, anOrder());
      expect(await callbacks.deliverNow()).toMatchObject([
        { state: 'given_up', reason: 'retries_exhausted', attemptCount: 6 },
      ]);
    });

    it('delivers callbacks in the order in which they are due', async () => {
      callbacks.respondWith(500, 200);
      const [one, other] = [anOrder(), anOrder()];
      await producer.sendMany(orderDispatched, [one, other]);
      await callbacks.deliverNow();
      const bodies = callbacks.requests.map(
        ({ body }) => (JSON.parse(body) as { order_id: string }).order_id,
      );
      expect(bodies).toEqual([one.id, other.id, one.id]);
    });

    it("calls the application's handlers of events", async () => {
      const module = await Test.createTestingModule({
        imports: [ServiceCallbacksTestingModule.forRoot({ callbackTypes: [orderDispatched] })],
        providers: [Pager],
      }).compile();
      const { callbacks: own, producer: sender } = kit(await module.init());
      own.respondWith(503, 200, 404);
      await sender.send(orderDispatched, anOrder());
      await own.deliverNow();
      await sender.send(orderDispatched, anOrder());
      await own.deliverNow();
      expect(module.get(Pager).seen).toEqual([
        [1, 503, null],
        [2, 200, null],
        [1, 404, 'not_retried'],
      ]);
    });

    it('refuses invalid status codes', () => {
      expect(() => callbacks.respondWith(200, 99, { statusCode: 1000 })).toThrow(
        '99, 1000: a status code is a whole number from 200 to 599',
      );
    });
  });

  it('uses the endpoints that the application registers, and checks their URLs', async () => {
    const { callbacks: sent, producer: sends, apis } = await start({ endpoints: 'registered' });
    expect(await sends.send(orderDispatched, anOrder())).toEqual({
      queued: false,
      reason: 'no_callback_api',
    });
    const endpoint = {
      serviceId: 'seller',
      callbackType: 'order_dispatched',
      url: 'https://seller.example.com/orders',
      bearerToken: 'a-token',
      updatedById: 'seller',
    };
    await expect(apis.create({ ...endpoint, url: 'http://10.0.0.1/' })).rejects.toThrow(/url/);
    const { id, signingSecret } = await apis.create(endpoint);
    await expect(apis.create(endpoint)).rejects.toThrow(/order_dispatched/);

    await sends.sendMany(orderDispatched, [anOrder(), anOrder()]);
    sent.respondWith(200, 500);
    await sent.deliverDue();
    const [request] = sent.requests;
    expect(request).toMatchObject({ url: endpoint.url, headers: { authorization: 'Bearer a-token' } });
    const now = () => sent.clock.now();
    expect(
      verifyCallback(request?.body ?? '', request?.headers ?? {}, signingSecret, { now }).payload,
    ).toMatchObject({ carrier: { name: 'ACME' } });

    const rotated = await apis.rotateSigningSecret('seller', id);
    await apis.update('seller', id, { url: 'https://elsewhere.example.com/', updatedById: 'seller' });
    sent.respondWith(500);
    sent.clock.advanceBy(300_000);
    await sent.deliverDue();
    const moved = sent.requests.at(-1);
    expect(moved?.url).toBe('https://elsewhere.example.com/');
    for (const secret of [signingSecret, rotated.signingSecret])
      verifyCallback(moved?.body ?? '', moved?.headers ?? {}, secret, { now });

    await apis.remove('seller', id);
    expect(await apis.list('seller')).toEqual([]);
    await sent.deliverNow();
    expect(sent.sent().map(({ state, reason }) => [state, reason])).toEqual([
      ['delivered', null],
      ['given_up', 'cancelled'],
    ]);
  });
});
