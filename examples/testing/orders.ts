import { Injectable } from '@nestjs/common';
import { defineCallbackType, ServiceCallbacksProducer, type SendResult } from 'service-callbacks';

export interface Order {
  readonly id: string;
  readonly sellerId: string;
  readonly trackingNumber: string;
}

export const orderDispatched = defineCallbackType<Order>({
  type: 'order_dispatched',
  identify: ({ id, sellerId }) => ({ serviceId: sellerId, subjectId: id }),
  payload: ({ id, trackingNumber }) => ({ order_id: id, tracking_number: trackingNumber }),
});

@Injectable()
export class OrdersService {
  constructor(private readonly callbacks: ServiceCallbacksProducer) {}

  dispatch(order: Order): Promise<SendResult> {
    return this.callbacks.send(orderDispatched, order);
  }
}
