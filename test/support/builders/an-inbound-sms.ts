import { randomUUID } from 'node:crypto';
import type { InboundSmsInput } from '../../../src/service-callbacks/callback-types/inbound-sms.js';

/** A text message that someone sent to the service. Numbers are from Ofcom's range for drama. */
export function anInboundSms(overrides: Partial<InboundSmsInput> = {}): InboundSmsInput {
  return {
    id: randomUUID(),
    serviceId: randomUUID(),
    sourceNumber: '447700900123',
    destinationNumber: '447700900456',
    message: 'STOP – “please” 🙏',
    dateReceived: new Date('2017-06-20T12:34:56.789Z'),
    ...overrides,
  };
}
