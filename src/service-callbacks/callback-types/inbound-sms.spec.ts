import { describe, expect, it } from '@jest/globals';
import { anInboundSms } from '../../../test/support/builders/an-inbound-sms.js';
import { inboundSms } from './inbound-sms.js';

describe('inbound_sms', () => {
  it('sends its fields in a fixed order', () => {
    const sms = anInboundSms();
    const payload = inboundSms.payload(sms);
    expect(payload).toEqual({
      id: sms.id,
      source_number: '447700900123',
      destination_number: '447700900456',
      message: 'STOP – “please” 🙏',
      date_received: '2017-06-20T12:34:56.789000Z',
    });
    expect(Object.keys(payload)).toEqual([
      'id',
      'source_number',
      'destination_number',
      'message',
      'date_received',
    ]);
  });

  it('is about the message, which has no second news', () => {
    const sms = anInboundSms();
    expect(inboundSms.identify(sms)).toEqual({ serviceId: sms.serviceId, subjectId: sms.id });
  });

  it('is always sent', () => {
    expect(inboundSms).not.toHaveProperty('skip');
  });
});
