import type { Callback } from '../callbacks/callback.js';
import type { Disposition } from '../callbacks/state-machine.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';

export interface RetryPolicyOptions {
  /** Retries after the first attempt: a whole number from 0. */
  readonly maxRetries: number;
  /** Milliseconds before the first retry, ahead of the jitter: a whole number from 0. */
  readonly baseDelayMs: number;
  /** Milliseconds that no delay exceeds: a whole number from 0. */
  readonly maxDelayMs: number;
}

/** 2^1023 is the largest power of two a number holds; from 2^1024 on, 0 · 2^n would be NaN. */
const LARGEST_EXPONENT = 1023;

/** When, and how often, a retryable failure is tried again. Pure and immutable. */
export class RetryPolicy {
  readonly maxRetries: number;
  private readonly baseDelayMs: number;
  private readonly maxDelayMs: number;

  /**
   * @param random a number from 0 up to, but not including, 1; for tests
   * @throws RangeError that names the option which is not a whole number from 0
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

  /** Whether retry number `retry`, from 1, may still be made. */
  allows(retry: number): boolean {
    return retry <= this.maxRetries;
  }

  /**
   * Whole milliseconds to wait before retry number `retry`, from 1: min(max, base·2^(retry−1)) times a random
   * factor between ½ and 1. A server's `Retry-After` raises it, never past the maximum.
   *
   * @throws RangeError when `retry` is not a whole number from 1
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

/** What happens next to a callback whose attempt had this outcome. @param callback as it was before the attempt */
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
