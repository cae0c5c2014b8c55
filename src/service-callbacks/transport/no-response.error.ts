import type { DeliveryError } from './delivery-outcome.js';

/** A request that got no usable response, and not because of a fault of this platform. */
export class NoResponseError extends Error {
  constructor(
    readonly reason: DeliveryError,
    options?: ErrorOptions,
  ) {
    super(`No response: ${reason}`, options);
    this.name = 'NoResponseError';
  }
}

/** One for all attempts: where it was made says nothing, and a stack trace costs microseconds. */
export const TIMED_OUT = new NoResponseError('timeout');
