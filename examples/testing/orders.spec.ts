import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { callbackMatchers, SentCallbacks, ServiceCallbacksTestingModule } from 'service-callbacks/testing';
import { orderDispatched, OrdersService } from './orders.js';

expect.extend(callbackMatchers);

it('delivers the callback of a dispatched order at the third attempt', async () => {
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
