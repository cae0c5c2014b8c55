import { formatUtcTimestamp } from '../delivery/utc-timestamp.js';
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

/** R7. */
export const inboundSms: CallbackTypeDefinition<InboundSmsInput> = Object.freeze({
  type: 'inbound_sms',
  identify: ({ serviceId, id }: InboundSmsInput) => ({ serviceId, subjectId: id }),
  payload: (sms: InboundSmsInput) => ({
    id: sms.id,
    source_number: sms.sourceNumber,
    destination_number: sms.destinationNumber,
    message: sms.message,
    date_received: formatUtcTimestamp(sms.dateReceived),
  }),
});
