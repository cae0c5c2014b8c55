import { describe, expect, it } from '@jest/globals';
import { aReturnedLetter } from '../../../test/support/builders/a-returned-letter.js';
import { returnedLetter } from './returned-letter.js';

describe('returned_letter', () => {
  it('sends its fields in a fixed order', () => {
    const letter = aReturnedLetter();
    const payload = returnedLetter.payload(letter);
    expect(payload).toEqual({
      notification_id: letter.notificationId,
      reference: 'order-17',
      date_sent: '2017-06-20T17:30:00.000000Z',
      sent_by: 'team.member@example.gov.uk',
      template_name: 'Appointment reminder',
      template_id: letter.templateId,
      template_version: 3,
      spreadsheet_file_name: 'appointments.csv',
      spreadsheet_row_number: 42,
      upload_letter_file_name: null,
    });
    expect(Object.keys(payload)).toEqual([
      'notification_id',
      'reference',
      'date_sent',
      'sent_by',
      'template_name',
      'template_id',
      'template_version',
      'spreadsheet_file_name',
      'spreadsheet_row_number',
      'upload_letter_file_name',
    ]);
  });

  it('sends null for unknown values, with their keys', () => {
    const unknown = {
      reference: null,
      dateSent: null,
      sentBy: null,
      spreadsheetFileName: null,
      spreadsheetRowNumber: null,
    };
    const payload = returnedLetter.payload(
      aReturnedLetter({ ...unknown, uploadLetterFileName: 'letter.pdf' }),
    );
    expect(payload).toMatchObject({
      reference: null,
      date_sent: null,
      sent_by: null,
      spreadsheet_file_name: null,
      spreadsheet_row_number: null,
      upload_letter_file_name: 'letter.pdf',
    });
    expect(Object.keys(payload)).toHaveLength(10);
  });

  it('is about the notification, which has no second news', () => {
    const letter = aReturnedLetter();
    expect(returnedLetter.identify(letter)).toEqual({
      serviceId: letter.serviceId,
      subjectId: letter.notificationId,
    });
  });

  it('is always sent', () => {
    expect(returnedLetter).not.toHaveProperty('skip');
  });
});
