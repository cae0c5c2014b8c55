import type { complaint } from '../service-callbacks/callback-types/complaint.js';
import type { deliveryStatus } from '../service-callbacks/callback-types/delivery-status.js';
import type { endpointAlert } from '../service-callbacks/callback-types/endpoint-alert.js';
import type { inboundSms } from '../service-callbacks/callback-types/inbound-sms.js';
import type { returnedLetter } from '../service-callbacks/callback-types/returned-letter.js';

interface BuiltInTypes {
  readonly delivery_status: typeof deliveryStatus;
  readonly complaint: typeof complaint;
  readonly inbound_sms: typeof inboundSms;
  readonly returned_letter: typeof returnedLetter;
  readonly endpoint_alert: typeof endpointAlert;
}

/** The payloads of the built-in types. Times are UTC with six digits of a second, `2017-06-20T12:34:56.000000Z`. */
export type CallbackPayload<Type extends keyof BuiltInTypes> = Readonly<
  ReturnType<BuiltInTypes[Type]['payload']>
>;
