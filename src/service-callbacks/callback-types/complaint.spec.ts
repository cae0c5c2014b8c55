import { describe, expect, it } from '@jest/globals';
import { aComplaint } from '../../../test/support/builders/a-complaint.js';
import { complaint } from './complaint.js';

describe('complaint', () => {
  it('sends its fields in a fixed order', () => {
    const input = aComplaint();
    const payload = complaint.payload(input);
    expect(payload).toEqual({
      notification_id: input.notificationId,
      complaint_id: input.complaintId,
      reference: 'order-17',
      to: 'recipient@example.com',
      complaint_date: '2017-06-21T08:00:00.000000Z',
    });
    expect(Object.keys(payload)).toEqual([
      'notification_id',
      'complaint_id',
      'reference',
      'to',
      'complaint_date',
    ]);
  });

  it('sends null for unknown values, with their keys', () => {
    const payload = complaint.payload(aComplaint({ reference: null, complaintDate: null }));
    expect(payload).toMatchObject({ reference: null, complaint_date: null });
    expect(Object.keys(payload)).toHaveLength(5);
  });

  it('is about the notification, and each complaint is news', () => {
    const input = aComplaint();
    expect(complaint.identify(input)).toEqual({
      serviceId: input.serviceId,
      subjectId: input.notificationId,
      news: input.complaintId,
    });
  });

  it('is always sent', () => {
    expect(complaint).not.toHaveProperty('skip');
  });
});
