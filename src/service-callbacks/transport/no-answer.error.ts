import type { DeliveryError } from './delivery-outcome.js';

/** A request that got no usable answer, for whatever reason but a fault of our own. */
export class NoAnswerError extends Error {
  constructor(
    readonly reason: DeliveryError,
    options?: ErrorOptions,
  ) {
    super(`No answer: ${reason}`, options);
    this.name = 'NoAnswerError';
  }
}

/** One for all attempts: where it was made says nothing, and a stack trace costs microseconds. */
export const TIMED_OUT = new NoAnswerError('timeout');
