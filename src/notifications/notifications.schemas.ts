import { z } from 'zod';
import { fieldError, oneOfField, requestBody, uuidField } from '../http/request-body.js';
import { NOTIFICATION_STATUSES } from '../service-callbacks/callback-types/notification-status.js';

const TYPES = ['email', 'sms', 'letter'] as const;
const MAX_TEXT = 1_000;

const text = (name: string) =>
  z
    .string({ error: fieldError(name, `${name} is not a string`) })
    .min(1, `${name} is empty`)
    .max(MAX_TEXT, `${name} is longer than ${MAX_TEXT} characters`)
    // PostgreSQL has no text with a NUL in it.
    .refine((value) => !value.includes('\0'), `${name} has a NUL character in it`);

const status = oneOfField('status', NOTIFICATION_STATUSES);

export const createNotificationBody = requestBody({
  notification_type: oneOfField('notification_type', TYPES),
  to: text('to'),
  template_id: uuidField('template_id'),
  template_version: z
    .int({ error: fieldError('template_version', 'template_version is not a whole number') })
    .min(1, 'template_version is less than 1')
    .max(2_147_483_647, 'template_version is more than 2147483647'),
  reference: text('reference').nullish(),
  status: status.optional(),
  sent_at: z.iso.datetime({ offset: true, error: 'sent_at is not an ISO 8601 date and time' }).nullish(),
});
export type CreateNotificationBody = z.infer<typeof createNotificationBody>;

export const receiptBody = requestBody({
  status,
  sent_by: text('sent_by').nullish(),
});
export type ReceiptBody = z.infer<typeof receiptBody>;
