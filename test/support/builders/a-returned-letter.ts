import { randomUUID } from 'node:crypto';
import type { ReturnedLetterInput } from '../../../src/service-callbacks/callback-types/returned-letter.js';

/** A letter from a spreadsheet that came back. */
export function aReturnedLetter(overrides: Partial<ReturnedLetterInput> = {}): ReturnedLetterInput {
  return {
    notificationId: randomUUID(),
    serviceId: randomUUID(),
    reference: 'order-17',
    dateSent: new Date('2017-06-20T17:30:00Z'),
    sentBy: 'team.member@example.gov.uk',
    templateName: 'Appointment reminder',
    templateId: randomUUID(),
    templateVersion: 3,
    spreadsheetFileName: 'appointments.csv',
    spreadsheetRowNumber: 42,
    uploadLetterFileName: null,
    ...overrides,
  };
}
