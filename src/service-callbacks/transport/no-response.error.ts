import type { DeliveryError } from './delivery-outcome.js';

/** A request got no usable response, through no fault of this platform. */
export class NoResponseError extends Error {
  constructor(
    readonly reason: DeliveryError,
    options?: ErrorOptions,
  ) {
    super(`No response: ${reason}`, options);
    this.name = 'NoResponseError';
  }
}

/** Without a stack trace, which costs microseconds and says nothing here. */
export const TIMED_OUT = new NoResponseError('timeout');
