import { describe, expect, it } from '@jest/globals';
import { aNotification } from '../../../test/support/builders/a-notification.js';
import { deliveryStatus } from './delivery-status.js';
import { FINAL_STATUSES, NOT_NEWS_STATUSES } from './notification-status.js';

describe('delivery_status', () => {
  it('sends its fields in a fixed order', () => {
    const notification = aNotification();
    const payload = deliveryStatus.payload(notification);
    expect(payload).toEqual({
      id: notification.id,
      reference: 'order-17',
      to: 'recipient@example.com',
      status: 'delivered',
      created_at: '2017-06-20T12:34:56.000000Z',
      completed_at: '2017-06-20T12:35:02.250000Z',
      sent_at: '2017-06-20T12:34:58.000000Z',
      notification_type: 'email',
      template_id: notification.templateId,
      template_version: 3,
    });
    expect(Object.keys(payload)).toEqual([
      'id',
      'reference',
      'to',
      'status',
      'created_at',
      'completed_at',
      'sent_at',
      'notification_type',
      'template_id',
      'template_version',
    ]);
  });

  it('sends null for unknown values, with their keys', () => {
    const payload = deliveryStatus.payload(aNotification({ reference: null, updatedAt: null, sentAt: null }));
    expect(payload).toMatchObject({ reference: null, completed_at: null, sent_at: null });
    expect(Object.keys(payload)).toHaveLength(10);
  });

  it('sends the epoch as a date', () => {
    const epoch = new Date(0);
    const payload = deliveryStatus.payload(
      aNotification({ createdAt: epoch, updatedAt: epoch, sentAt: epoch }),
    );
    const text = '1970-01-01T00:00:00.000000Z';
    expect(payload).toMatchObject({ created_at: text, completed_at: text, sent_at: text });
  });

  it('is about the notification, and its status is the news', () => {
    const notification = aNotification({ status: 'sent' });
    expect(deliveryStatus.identify(notification)).toEqual({
      serviceId: notification.serviceId,
      subjectId: notification.id,
      news: 'sent',
    });
  });

  it.each([...NOT_NEWS_STATUSES])('is not sent for %s, not even first for a letter', (status) => {
    expect(deliveryStatus.skip?.(aNotification({ status }))).toBe('not_final');
    expect(deliveryStatus.skip?.(aNotification({ status, notificationType: 'letter' }))).toBe('not_final');
  });

  it.each(['sent', ...FINAL_STATUSES] as const)(
    'is sent for %s of an email or text, not of a letter',
    (status) => {
      expect(deliveryStatus.skip?.(aNotification({ status }))).toBeUndefined();
      expect(deliveryStatus.skip?.(aNotification({ status, notificationType: 'sms' }))).toBeUndefined();
      expect(deliveryStatus.skip?.(aNotification({ status, notificationType: 'letter' }))).toBe('letter');
    },
  );

  it('is completed from the database where an older release left the template out', () => {
    expect(deliveryStatus.requiredFields).toEqual(['template_id', 'template_version']);
  });
});
