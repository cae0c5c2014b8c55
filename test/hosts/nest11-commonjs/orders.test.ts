import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import {
  SentCallbacks,
  callbackMatchers,
  ServiceCallbacksTestingModule,
  type CallbackMatchers,
} from 'service-callbacks/testing';
import { orderDispatched, OrdersService } from './app/orders.js';

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends CallbackMatchers<R> {}
}

expect.extend(callbackMatchers);

it('sends the news of a dispatched order, which arrives at the third attempt', async () => {
  const module = await Test.createTestingModule({
    imports: [ServiceCallbacksTestingModule.forRoot({ callbackTypes: [orderDispatched] })],
    providers: [OrdersService],
  }).compile();
  const callbacks = module.get(SentCallbacks);
  callbacks.respondWith(503, 503, 200);

  await module.get(OrdersService).dispatch({ id: '17', sellerId: 'acme', trackingNumber: 'AB-1' });
  const [callback] = await callbacks.deliverNow();

  expect(callbacks).toHaveSent('order_dispatched', { order_id: '17', tracking_number: 'AB-1' });
  expect(callback).toMatchObject({ state: 'delivered', attemptCount: 3 });
});
