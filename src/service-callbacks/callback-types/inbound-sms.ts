import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { formatUtcTimestamp, utcTimestamp } from './utc-timestamp.js';
import type { CallbackTypeDefinition } from './callback-type.js';

/** A text message that someone sent to the service. */
export interface InboundSmsInput {
  readonly id: string;
  readonly serviceId: string;
  /** The sender's number. */
  readonly sourceNumber: string;
  /** The service's number. */
  readonly destinationNumber: string;
  readonly message: string;
  readonly dateReceived: Date;
}

const inboundSmsPayload = z
  .object({
    id: z.string(),
    source_number: z.string().meta({ description: "The sender's number" }),
    destination_number: z.string().meta({ description: "The service's number" }),
    message: z.string(),
    date_received: utcTimestamp,
  })
  .describe('Someone sent a text message to the service');

/** A text message that a service received. */
export const inboundSms = Object.freeze({
  type: 'inbound_sms',
  identify: ({ serviceId, id }: InboundSmsInput) => ({ serviceId, subjectId: id }),
  personalFields: Object.freeze(['source_number', 'message']),
  example: (): InboundSmsInput => ({
    id: randomUUID(),
    serviceId: randomUUID(),
    sourceNumber: '447700900000', // a number that Ofcom reserves for fiction
    destinationNumber: '447700900001',
    message: 'This is a test callback',
    dateReceived: new Date(),
  }),
  schema: inboundSmsPayload,
  payload: (sms: InboundSmsInput) => ({
    id: sms.id,
    source_number: sms.sourceNumber,
    destination_number: sms.destinationNumber,
    message: sms.message,
    date_received: formatUtcTimestamp(sms.dateReceived),
  }),
} satisfies CallbackTypeDefinition<InboundSmsInput>);
