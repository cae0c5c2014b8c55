import { defineCallbackType } from 'service-callbacks';
import type { Order } from './order.entity.js';

/** A callback type of this shop. For the module, a seller is a service. */
export const orderDispatched = defineCallbackType<Order>({
  type: 'order_dispatched',
  identify: ({ id, sellerId }) => ({ serviceId: sellerId, subjectId: id }),
  payload: ({ id, trackingNumber, dispatchedAt }) => ({
    order_id: id,
    tracking_number: trackingNumber,
    dispatched_at: dispatchedAt?.toISOString() ?? null,
  }),
  // The console shows all fields: none of them has personal data.
  personalFields: [],
});
