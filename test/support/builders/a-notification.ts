import { randomUUID } from 'node:crypto';
import type { DeliveryStatusInput } from '../../../src/service-callbacks/callback-types/delivery-status.js';

/** A delivered email, as input of the delivery-status callback. */
export function aNotification(overrides: Partial<DeliveryStatusInput> = {}): DeliveryStatusInput {
  return {
    id: randomUUID(),
    serviceId: randomUUID(),
    reference: 'order-17',
    to: 'recipient@example.com',
    status: 'delivered',
    createdAt: new Date('2017-06-20T12:34:56Z'),
    updatedAt: new Date('2017-06-20T12:35:02.250Z'),
    sentAt: new Date('2017-06-20T12:34:58Z'),
    notificationType: 'email',
    templateId: randomUUID(),
    templateVersion: 3,
    ...overrides,
  };
}
