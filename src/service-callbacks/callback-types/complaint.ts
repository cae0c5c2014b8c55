import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { formatUtcTimestamp, utcTimestamp } from './utc-timestamp.js';
import type { CallbackTypeDefinition } from './callback-type.js';

/** A recipient who marked an email as spam. */
export interface ComplaintInput {
  readonly notificationId: string;
  readonly complaintId: string;
  readonly serviceId: string;
  /** The service's own reference of the notification. */
  readonly reference: string | null;
  /** The recipient who complained. */
  readonly to: string;
  /** Null if the email provider did not say. */
  readonly complaintDate: Date | null;
}

const complaintPayload = z
  .object({
    notification_id: z.string(),
    complaint_id: z.string(),
    reference: z.string().nullable().meta({ description: "The service's own reference" }),
    to: z.string().meta({ description: 'The recipient who complained' }),
    complaint_date: utcTimestamp.nullable(),
  })
  .describe('A recipient marked an email as spam');

/** A recipient's complaint about an email. */
export const complaint = Object.freeze({
  type: 'complaint',
  subjectIsNotification: true,
  identify: ({ serviceId, notificationId, complaintId }: ComplaintInput) => ({
    serviceId,
    subjectId: notificationId,
    news: complaintId,
  }),
  personalFields: Object.freeze(['to']),
  example: (): ComplaintInput => ({
    notificationId: randomUUID(),
    complaintId: randomUUID(),
    serviceId: randomUUID(),
    reference: 'test-callback',
    to: 'test-callback@example.com',
    complaintDate: new Date(),
  }),
  schema: complaintPayload,
  payload: (input: ComplaintInput) => ({
    notification_id: input.notificationId,
    complaint_id: input.complaintId,
    reference: input.reference,
    to: input.to,
    complaint_date: input.complaintDate && formatUtcTimestamp(input.complaintDate),
  }),
} satisfies CallbackTypeDefinition<ComplaintInput>);
