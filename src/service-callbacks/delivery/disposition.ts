import type { Callback } from '../callbacks/callback.js';
import type { Disposition } from '../callbacks/state-machine.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import type { RetryPolicy } from './retry-policy.js';

/**
 * The disposition of a callback whose attempt had this outcome.
 * @param callback before the attempt
 */
export function dispositionOf(
  callback: Callback,
  outcome: DeliveryOutcome,
  policy: RetryPolicy,
): Disposition {
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'final':
      return { kind: 'giveUp', reason: 'not_retried' };
    case 'retryable': {
      const retry = callback.attempts + 1 - callback.earlierAttempts;
      if (!policy.allows(retry)) return { kind: 'giveUp', reason: 'retries_exhausted' };
      return { kind: 'retryAt', delayMs: policy.delayBefore(retry, outcome.retryAfterMs) };
    }
  }
}
