import { z } from 'zod';
import { EXAMPLE_IDS } from '../http/examples.js';
import { uuidParam } from '../http/ids.js';
import { fieldError, oneOfField, requestBody, uuidField } from '../http/request-body.js';
import { text as textView, time, uuid, whole } from '../http/response-body.js';
import { NOTIFICATION_STATUSES } from '../service-callbacks/callback-types/notification-status.js';

const TYPES = ['email', 'sms', 'letter'] as const;
const MAX_TEXT = 1_000;

const text = (name: string, example: string, description?: string) =>
  z
    .string({ error: fieldError(name, `${name} is not a string`) })
    .min(1, `${name} is empty`)
    .max(MAX_TEXT, `${name} is longer than ${MAX_TEXT} characters`)
    // A text of PostgreSQL cannot contain NUL.
    .refine((value) => !value.includes('\0'), `${name} has a NUL character in it`)
    .meta({ examples: [example], description });

const status = oneOfField('status', NOTIFICATION_STATUSES).meta({ examples: ['delivered'] });

export const createNotificationBody = requestBody({
  notification_type: oneOfField('notification_type', TYPES),
  to: text('to', 'applicant@example.com', 'The recipient: an email address or a phone number'),
  template_id: uuidField('template_id').meta({ examples: [EXAMPLE_IDS.template] }),
  template_version: z
    .int({ error: fieldError('template_version', 'template_version is not a whole number') })
    .min(1, 'template_version is less than 1')
    .max(2_147_483_647, 'template_version is more than 2147483647')
    .meta({ examples: [3] }),
  reference: text('reference', 'claim-4711', "The service's own reference").nullish(),
  status: status.meta({ examples: ['sending'], description: 'Default: `created`' }).optional(),
  sent_at: z.iso
    .datetime({ offset: true, error: 'sent_at is not an ISO 8601 date and time' })
    .meta({ examples: ['2026-11-28T14:02:30Z'] })
    .nullish(),
});
export type CreateNotificationBody = z.infer<typeof createNotificationBody>;

export const receiptBody = requestBody({
  status,
  sent_by: text('sent_by', 'mail-provider', 'The provider').nullish(),
});
export type ReceiptBody = z.infer<typeof receiptBody>;

export const notificationId = uuidParam.meta({
  description: 'The notification',
  examples: [EXAMPLE_IDS.notification],
});

export const notificationView = z.strictObject({
  id: uuid(EXAMPLE_IDS.notification),
  service_id: textView(EXAMPLE_IDS.service),
  notification_type: z.enum(TYPES),
  to: textView('applicant@example.com'),
  template_id: uuid(EXAMPLE_IDS.template),
  template_version: whole(3),
  reference: textView('claim-4711').nullable(),
  status: z.enum(NOTIFICATION_STATUSES).meta({ examples: ['delivered'] }),
  sent_by: textView('mail-provider').nullable(),
  sent_at: time('2026-11-28T14:02:30.000Z').nullable(),
  created_at: time('2026-11-28T14:02:29.518Z'),
  updated_at: time('2026-11-28T14:02:36.795Z').nullable(),
});

export const receiptView = z.strictObject({
  notification: notificationView,
  callback: z.strictObject({
    queued: z.boolean().meta({ examples: [true] }),
    id: uuid(EXAMPLE_IDS.callback, 'Of the callback that has this news').optional(),
    reason: z
      .enum(['already_final', 'unchanged', 'not_final', 'letter', 'no_callback_api', 'duplicate'])
      .meta({ description: 'Why no callback was queued' })
      .optional(),
  }),
});
