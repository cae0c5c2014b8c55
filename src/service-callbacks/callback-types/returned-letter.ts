import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { formatUtcTimestamp, utcTimestamp } from './utc-timestamp.js';
import type { CallbackTypeDefinition } from './callback-type.js';

/** A letter that came back undelivered. */
export interface ReturnedLetterInput {
  readonly notificationId: string;
  readonly serviceId: string;
  /** The service's own reference. */
  readonly reference: string | null;
  readonly dateSent: Date | null;
  /** The team member who sent it; null for one sent through the API. */
  readonly sentBy: string | null;
  readonly templateName: string;
  readonly templateId: string;
  readonly templateVersion: number;
  /** The spreadsheet and its row, for a letter sent from one. */
  readonly spreadsheetFileName: string | null;
  readonly spreadsheetRowNumber: number | null;
  /** The uploaded PDF, for a letter sent as one. */
  readonly uploadLetterFileName: string | null;
}

const returnedLetterPayload = z
  .object({
    notification_id: z.string(),
    reference: z.string().nullable().meta({ description: "The service's own reference" }),
    date_sent: utcTimestamp.nullable(),
    sent_by: z.string().nullable().meta({ description: 'Null for a letter that was sent through the API' }),
    template_name: z.string(),
    template_id: z.string(),
    template_version: z.int(),
    spreadsheet_file_name: z.string().nullable(),
    spreadsheet_row_number: z.int().nullable(),
    upload_letter_file_name: z.string().nullable(),
  })
  .describe('A letter came back undelivered');

/** A letter that came back. */
export const returnedLetter = Object.freeze({
  type: 'returned_letter',
  subjectIsNotification: true,
  identify: ({ serviceId, notificationId }: ReturnedLetterInput) => ({
    serviceId,
    subjectId: notificationId,
  }),
  personalFields: Object.freeze(['sent_by', 'spreadsheet_file_name', 'upload_letter_file_name']),
  example: (): ReturnedLetterInput => ({
    notificationId: randomUUID(),
    serviceId: randomUUID(),
    reference: 'test-callback',
    dateSent: new Date(),
    sentBy: null,
    templateName: 'Test callback',
    templateId: randomUUID(),
    templateVersion: 1,
    spreadsheetFileName: null,
    spreadsheetRowNumber: null,
    uploadLetterFileName: null,
  }),
  schema: returnedLetterPayload,
  payload: (letter: ReturnedLetterInput) => ({
    notification_id: letter.notificationId,
    reference: letter.reference,
    date_sent: letter.dateSent && formatUtcTimestamp(letter.dateSent),
    sent_by: letter.sentBy,
    template_name: letter.templateName,
    template_id: letter.templateId,
    template_version: letter.templateVersion,
    spreadsheet_file_name: letter.spreadsheetFileName,
    spreadsheet_row_number: letter.spreadsheetRowNumber,
    upload_letter_file_name: letter.uploadLetterFileName,
  }),
} satisfies CallbackTypeDefinition<ReturnedLetterInput>);
