import { randomUUID } from 'node:crypto';
import type { ComplaintInput } from '../../../src/service-callbacks/callback-types/complaint.js';

/** A recipient's complaint about an email. */
export function aComplaint(overrides: Partial<ComplaintInput> = {}): ComplaintInput {
  return {
    notificationId: randomUUID(),
    complaintId: randomUUID(),
    serviceId: randomUUID(),
    reference: 'order-17',
    to: 'recipient@example.com',
    complaintDate: new Date('2017-06-21T08:00:00Z'),
    ...overrides,
  };
}
