import type { AttemptFacts } from '../delivery/callback-log.js';
import type { DeliveryFailure } from '../delivery/delivery-outcome.js';
import type { GiveUpReason } from './dead-letter.entity.js';

/** Why a callback is given up, and what is known of the attempt that decided it. */
export interface Ending {
  readonly reason: GiveUpReason;
  readonly facts?: AttemptFacts;
  readonly failure?: DeliveryFailure;
  /** In words, for operators; never bytes from a server or a payload. */
  readonly detail?: string;
}
