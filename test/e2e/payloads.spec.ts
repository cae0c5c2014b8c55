import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { CallbackApisService, defineCallbackType, ServiceCallbacksProducer } from '../../src/index.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { aComplaint } from '../support/builders/a-complaint.js';
import { aNotification } from '../support/builders/a-notification.js';
import { aReturnedLetter } from '../support/builders/a-returned-letter.js';
import { anInboundSms } from '../support/builders/an-inbound-sms.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startHost } from '../support/delivering-host.js';
import { startReceiver, type Receiver } from '../support/receiver.js';

interface Parcel {
  readonly id: string;
  readonly serviceId: string;
  readonly weights: readonly (number | null)[];
}

/** A host's own type; its keys are deliberately in no order. */
const parcelLost = defineCallbackType<Parcel>({
  type: 'parcel_lost',
  identify: ({ id, serviceId }) => ({ serviceId, subjectId: id }),
  payload: ({ id, weights }) => ({
    z: id,
    a: { nested: weights },
    m: null,
    ünï: '\u2028“”\u0000🙏',
    last: false,
  }),
});

/** The received body of every type, byte for byte. */
describe('the body', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let host: INestApplication;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    host = await startHost(database.url, { callbackTypes: [parcelLost] });
  });

  afterAll(async () => {
    await host.close();
    await receiver.close();
    await database.drop();
  });

  async function bodyOf(
    serviceId: string,
    callbackType: string,
    send: (producer: ServiceCallbacksProducer) => unknown,
  ) {
    const path = `/${callbackType}/${serviceId}`;
    const { bearer_token: bearerToken, updated_by_id: updatedById } = aCallbackApi();
    await host
      .get(CallbackApisService)
      .create({ serviceId, callbackType, url: receiver.url(path), bearerToken, updatedById });
    expect(await send(host.get(ServiceCallbacksProducer))).toMatchObject({ queued: true });
    const [request] = await receiver.waitForRequests(1, { path });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: `Bearer ${bearerToken}`,
      'content-length': String(Buffer.byteLength(request?.body ?? '')),
    });
    return request?.body;
  }

  it('of delivery_status', async () => {
    const subject = aNotification();
    expect(
      await bodyOf(subject.serviceId, 'delivery_status', (producer) => producer.sendDeliveryStatus(subject)),
    ).toBe(
      `{"id":"${subject.id}","reference":"order-17","to":"recipient@example.com","status":"delivered",` +
        '"created_at":"2017-06-20T12:34:56.000000Z","completed_at":"2017-06-20T12:35:02.250000Z",' +
        '"sent_at":"2017-06-20T12:34:58.000000Z","notification_type":"email",' +
        `"template_id":"${subject.templateId}","template_version":3}`,
    );
  });

  it('of delivery_status with everything that may be null', async () => {
    const subject = aNotification({
      reference: null,
      updatedAt: null,
      sentAt: null,
      notificationType: 'sms',
    });
    expect(
      await bodyOf(subject.serviceId, 'delivery_status', (producer) => producer.sendDeliveryStatus(subject)),
    ).toBe(
      `{"id":"${subject.id}","reference":null,"to":"recipient@example.com","status":"delivered",` +
        '"created_at":"2017-06-20T12:34:56.000000Z","completed_at":null,"sent_at":null,"notification_type":"sms",' +
        `"template_id":"${subject.templateId}","template_version":3}`,
    );
  });

  it('of complaint', async () => {
    const subject = aComplaint();
    expect(await bodyOf(subject.serviceId, 'complaint', (producer) => producer.sendComplaint(subject))).toBe(
      `{"notification_id":"${subject.notificationId}","complaint_id":"${subject.complaintId}","reference":"order-17",` +
        '"to":"recipient@example.com","complaint_date":"2017-06-21T08:00:00.000000Z"}',
    );
  });

  it('of complaint with everything that may be null', async () => {
    const subject = aComplaint({ reference: null, complaintDate: null });
    expect(await bodyOf(subject.serviceId, 'complaint', (producer) => producer.sendComplaint(subject))).toBe(
      `{"notification_id":"${subject.notificationId}","complaint_id":"${subject.complaintId}","reference":null,` +
        '"to":"recipient@example.com","complaint_date":null}',
    );
  });

  it('of inbound_sms', async () => {
    const subject = anInboundSms();
    expect(
      await bodyOf(subject.serviceId, 'inbound_sms', (producer) => producer.sendInboundSms(subject)),
    ).toBe(
      `{"id":"${subject.id}","source_number":"447700900123","destination_number":"447700900456",` +
        '"message":"STOP – “please” 🙏","date_received":"2017-06-20T12:34:56.789000Z"}',
    );
  });

  it('of returned_letter', async () => {
    const subject = aReturnedLetter();
    expect(
      await bodyOf(subject.serviceId, 'returned_letter', (producer) => producer.sendReturnedLetter(subject)),
    ).toBe(
      `{"notification_id":"${subject.notificationId}","reference":"order-17","date_sent":"2017-06-20T17:30:00.000000Z",` +
        '"sent_by":"team.member@example.gov.uk","template_name":"Appointment reminder",' +
        `"template_id":"${subject.templateId}","template_version":3,"spreadsheet_file_name":"appointments.csv",` +
        '"spreadsheet_row_number":42,"upload_letter_file_name":null}',
    );
  });

  it('of returned_letter with everything that may be null', async () => {
    const subject = aReturnedLetter({
      reference: null,
      dateSent: null,
      sentBy: null,
      spreadsheetFileName: null,
      spreadsheetRowNumber: null,
    });
    expect(
      await bodyOf(subject.serviceId, 'returned_letter', (producer) => producer.sendReturnedLetter(subject)),
    ).toBe(
      `{"notification_id":"${subject.notificationId}","reference":null,"date_sent":null,"sent_by":null,` +
        `"template_name":"Appointment reminder","template_id":"${subject.templateId}","template_version":3,` +
        '"spreadsheet_file_name":null,"spreadsheet_row_number":null,"upload_letter_file_name":null}',
    );
  });

  it('of a type of the host’s own', async () => {
    const subject = { id: 'parcel-1', serviceId: randomUUID(), weights: [1.5, null, -0, 1e21] };
    expect(
      await bodyOf(subject.serviceId, 'parcel_lost', (producer) => producer.send('parcel_lost', subject)),
    ).toBe(
      '{"z":"parcel-1","a":{"nested":[1.5,null,0,1e+21]},"m":null,"ünï":"\u2028“”\\u0000🙏","last":false}',
    );
  });
});
