import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { formatUtcTimestamp, utcTimestamp } from './utc-timestamp.js';
import type { CallbackTypeDefinition } from './callback-type.js';
import { FINAL_STATUSES, isNotNewsStatus, type NotificationStatus } from './notification-status.js';

export type NotificationType = 'email' | 'sms' | 'letter';

/** A notification whose status has changed. */
export interface DeliveryStatusInput {
  readonly id: string;
  readonly serviceId: string;
  /** The service's own reference. */
  readonly reference: string | null;
  /** The recipient: an email address or a phone number. */
  readonly to: string;
  readonly status: NotificationStatus;
  readonly createdAt: Date;
  /** When the status changed; sent as `completed_at`. */
  readonly updatedAt: Date | null;
  readonly sentAt: Date | null;
  readonly notificationType: NotificationType;
  readonly templateId: string;
  readonly templateVersion: number;
}

const deliveryStatusPayload = z
  .object({
    id: z.string().meta({ description: 'The notification' }),
    reference: z.string().nullable().meta({ description: "The service's own reference" }),
    to: z.string().meta({ description: 'The recipient: an email address or a phone number' }),
    status: z.enum(['sent', ...FINAL_STATUSES]),
    created_at: utcTimestamp,
    completed_at: utcTimestamp.nullable().meta({ description: 'When the status changed' }),
    sent_at: utcTimestamp.nullable(),
    notification_type: z.enum(['email', 'sms']),
    template_id: z.string(),
    template_version: z.int(),
  })
  .describe('The status of a notification changed');

/** The final status of an email or a text message; letters have no such callback. */
export const deliveryStatus = Object.freeze({
  type: 'delivery_status',
  subjectIsNotification: true,
  identify: ({ serviceId, id, status }: DeliveryStatusInput) => ({ serviceId, subjectId: id, news: status }),
  skip({ status, notificationType }: DeliveryStatusInput) {
    if (isNotNewsStatus(status)) return 'not_final';
    return notificationType === 'letter' ? 'letter' : undefined;
  },
  personalFields: Object.freeze(['to']),
  example: (): DeliveryStatusInput => ({
    id: randomUUID(),
    serviceId: randomUUID(),
    reference: 'test-callback',
    to: 'test-callback@example.com',
    status: 'delivered',
    createdAt: new Date(),
    updatedAt: new Date(),
    sentAt: new Date(),
    notificationType: 'email',
    templateId: randomUUID(),
    templateVersion: 1,
  }),
  schema: deliveryStatusPayload,
  payload: (notification: DeliveryStatusInput) => ({
    id: notification.id,
    reference: notification.reference,
    to: notification.to,
    status: notification.status,
    created_at: formatUtcTimestamp(notification.createdAt),
    completed_at: notification.updatedAt && formatUtcTimestamp(notification.updatedAt),
    sent_at: notification.sentAt && formatUtcTimestamp(notification.sentAt),
    notification_type: notification.notificationType,
    template_id: notification.templateId,
    template_version: notification.templateVersion,
  }),
  // Releases before these fields wrote payloads without them.
  requiredFields: Object.freeze(['template_id', 'template_version']),
} satisfies CallbackTypeDefinition<DeliveryStatusInput>);
