import type { Callback } from '../callbacks/callback.js';
import type { Disposition } from '../callbacks/state-machine.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';

export interface RetryPolicyOptions {
  /** Retries after the first attempt: a whole number from 0. */
  readonly maxRetries: number;
  /** The delay before the first retry, without the jitter, ms: a whole number from 0. */
  readonly baseDelayMs: number;
  /** The longest delay, ms: a whole number from 0. */
  readonly maxDelayMs: number;
}

/** 2^1023 is the largest power of two that a number can hold. With 2^1024 a base of 0 would give NaN. */
const LARGEST_EXPONENT = 1023;

/** Decides whether and when a retryable failure is retried. Pure and immutable. */
export class RetryPolicy {
  readonly maxRetries: number;
  private readonly baseDelayMs: number;
  private readonly maxDelayMs: number;

  /**
   * @param random a number from 0 up to, but not including, 1; for tests
   * @throws RangeError naming the option that is not a whole number from 0
   */
  constructor(
    options: RetryPolicyOptions,
    private readonly random: () => number = Math.random,
  ) {
    this.maxRetries = wholeNumber('maxRetries', options.maxRetries, 0);
    this.baseDelayMs = wholeNumber('baseDelayMs', options.baseDelayMs, 0);
    this.maxDelayMs = wholeNumber('maxDelayMs', options.maxDelayMs, 0);
    Object.freeze(this);
  }

  /** Whether retry number `retry`, from 1, is allowed. */
  allows(retry: number): boolean {
    return retry <= this.maxRetries;
  }

  /**
   * The delay before retry number `retry`, from 1, in whole ms: min(max, base·2^(retry−1)) times a random factor
   * between ½ and 1. A server's `Retry-After` can raise it up to the maximum.
   * @throws RangeError if `retry` is not a whole number from 1
   */
  delayBefore(retry: number, retryAfterMs = 0): number {
    const exponent = Math.min(wholeNumber('retry', retry, 1) - 1, LARGEST_EXPONENT);
    const backoff = Math.min(this.maxDelayMs, this.baseDelayMs * 2 ** exponent);
    const jittered = Math.round(backoff * (0.5 + this.random() / 2));
    return retryAfterMs > jittered ? Math.min(this.maxDelayMs, Math.ceil(retryAfterMs)) : jittered;
  }
}

function wholeNumber(name: string, value: number, min: number): number {
  if (Number.isInteger(value) && value >= min) return value;
  throw new RangeError(`${name} is ${value}; it must be a whole number from ${min}`);
}

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
