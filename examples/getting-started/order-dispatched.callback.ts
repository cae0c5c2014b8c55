import { defineCallbackType } from 'service-callbacks';

export interface DispatchedOrder {
  readonly id: string;
  readonly sellerId: string;
}

export const orderDispatched = defineCallbackType<DispatchedOrder>({
  type: 'order_dispatched',
  identify: ({ id, sellerId }) => ({ serviceId: sellerId, subjectId: id }),
  payload: ({ id }) => ({ order_id: id, status: 'dispatched' }),
});
