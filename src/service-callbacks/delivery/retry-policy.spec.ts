import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { RetryPolicy, dispositionOf } from './retry-policy.js';
import type { Callback } from '../callbacks/callback.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';

/** The contract's defaults: five retries, from 5 minutes to 12 hours. */
const DEFAULTS = { maxRetries: 5, baseDelayMs: 300_000, maxDelayMs: 43_200_000 };
const LONGEST = (): number => 1 - Number.EPSILON;
const SHORTEST = (): number => 0;

describe('RetryPolicy', () => {
  it.each([
    [1, 150_000, 300_000],
    [2, 300_000, 600_000],
    [3, 600_000, 1_200_000],
    [4, 1_200_000, 2_400_000],
    [5, 2_400_000, 4_800_000],
    [8, 19_200_000, 38_400_000],
    [9, 21_600_000, 43_200_000],
    [10, 21_600_000, 43_200_000],
    [5_000, 21_600_000, 43_200_000],
    [Number.MAX_VALUE, 21_600_000, 43_200_000],
  ])('waits before retry %d from %d to %d ms', (retry, shortest, longest) => {
    expect(new RetryPolicy(DEFAULTS, SHORTEST).delayBefore(retry)).toBe(shortest);
    expect(new RetryPolicy(DEFAULTS, LONGEST).delayBefore(retry)).toBe(longest);
  });

  it.each([
    ['shorter than the backoff', 1_000, 150_000],
    ['longer', 151_000, 151_000],
    ['a fraction of a millisecond longer', 150_000.2, 150_001],
    ['past the maximum', 86_400_000, 43_200_000],
    ['as long as can be', Number.MAX_SAFE_INTEGER, 43_200_000],
    ['none', undefined, 150_000],
    ['not a number', NaN, 150_000],
  ])('with a Retry-After that is %s (%p ms) waits %d ms', (_case, retryAfterMs, expected) => {
    expect(new RetryPolicy(DEFAULTS, SHORTEST).delayBefore(1, retryAfterMs)).toBe(expected);
  });

  it.each([
    [0, 1, false],
    [5, 1, true],
    [5, 5, true],
    [5, 6, false],
  ])('of at most %d retries, retry %d is allowed: %p', (maxRetries, retry, expected) => {
    expect(new RetryPolicy({ ...DEFAULTS, maxRetries }).allows(retry)).toBe(expected);
  });

  it('spreads the delays', () => {
    const policy = new RetryPolicy(DEFAULTS);
    expect(new Set(Array.from({ length: 100 }, () => policy.delayBefore(1))).size).toBeGreaterThan(50);
  });

  it.each([
    [{ ...DEFAULTS, maxRetries: -1 }, 'maxRetries is -1'],
    [{ ...DEFAULTS, baseDelayMs: 0.5 }, 'baseDelayMs is 0.5'],
    [{ ...DEFAULTS, maxDelayMs: Infinity }, 'maxDelayMs is Infinity'],
    [{ ...DEFAULTS, maxDelayMs: NaN }, 'maxDelayMs is NaN'],
  ])('refuses %j', (options, message) => {
    expect(() => new RetryPolicy(options)).toThrow(
      new RangeError(`${message}; it must be a whole number from 0`),
    );
  });

  it.each([0, -1, 1.5, NaN])('has no retry number %d', (retry) => {
    expect(() => new RetryPolicy(DEFAULTS).delayBefore(retry)).toThrow(`retry is ${retry}`);
  });

  const anyDelay = fc.oneof(fc.nat(), fc.maxSafeNat());
  const anyRetry = fc.oneof(
    fc.integer({ min: 1, max: 70 }),
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  );
  const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('stays between half the backoff and the backoff, in whole milliseconds', () => {
    fc.assert(
      fc.property(anyDelay, anyDelay, anyRetry, anyRandom, (baseDelayMs, maxDelayMs, retry, random) => {
        const policy = new RetryPolicy({ maxRetries: 5, baseDelayMs, maxDelayMs }, () => random);
        const delay = policy.delayBefore(retry);
        // After 53 doublings, any base of at least 1 is greater than every maximum.
        const backoff = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(retry - 1, 53));
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(backoff / 2));
        expect(delay).toBeLessThanOrEqual(backoff);
      }),
    );
  });

  it('is never shorter than Retry-After nor longer than the maximum', () => {
    const anyRetryAfter = fc.oneof(anyDelay, fc.double({ min: 0, noNaN: true }));
    fc.assert(
      fc.property(
        anyDelay,
        anyDelay,
        anyRetry,
        anyRandom,
        anyRetryAfter,
        (baseDelayMs, maxDelayMs, retry, random, after) => {
          const policy = new RetryPolicy({ maxRetries: 5, baseDelayMs, maxDelayMs }, () => random);
          const delay = policy.delayBefore(retry, after);
          expect(Number.isSafeInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(Math.min(after, maxDelayMs));
          expect(delay).toBeGreaterThanOrEqual(policy.delayBefore(retry));
          expect(delay).toBeLessThanOrEqual(maxDelayMs);
        },
      ),
    );
  });

  it('never shortens from one retry to the next with the same random number', () => {
    fc.assert(
      fc.property(anyDelay, anyDelay, anyRetry, anyRandom, (baseDelayMs, maxDelayMs, retry, random) => {
        const policy = new RetryPolicy({ maxRetries: 5, baseDelayMs, maxDelayMs }, () => random);
        expect(policy.delayBefore(retry + 1)).toBeGreaterThanOrEqual(policy.delayBefore(retry));
      }),
    );
  });
});

/** Delays are the largest that the jitter allows. */
const POLICY = new RetryPolicy({ maxRetries: 3, baseDelayMs: 100, maxDelayMs: 1_000 }, () => 1 - 1e-9);

function aCallback(overrides: Partial<Callback> = {}): Callback {
  return {
    id: 'a-callback',
    serviceId: 'a-service',
    endpointId: 'an-endpoint',
    callbackType: 'delivery_status',
    subjectId: 'a-subject',
    url: 'https://a.example/',
    queuedAt: 0,
    generation: 0,
    attempts: 0,
    earlierAttempts: 0,
    ...overrides,
  };
}

const after = (attempts: number, outcome: DeliveryOutcome, earlierAttempts = 0) =>
  dispositionOf(aCallback({ attempts, earlierAttempts }), outcome, POLICY);

const busy = (retryAfterMs?: number): DeliveryOutcome => ({
  kind: 'retryable',
  failure: { statusCode: 503 },
  durationMs: 1,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

describe('the disposition of an attempt', () => {
  it('is delivered after a 2xx, whatever came before', () => {
    expect(after(40, { kind: 'delivered', statusCode: 204, durationMs: 1 })).toEqual({ kind: 'delivered' });
  });

  it('is given up after a final response', () => {
    expect(after(0, { kind: 'final', failure: { statusCode: 404 }, durationMs: 1 })).toEqual({
      kind: 'giveUp',
      reason: 'not_retried',
    });
  });

  it('is a retry after a retryable failure, each later than the last, as many as are allowed', () => {
    expect([0, 1, 2, 3].map((attempts) => after(attempts, busy()))).toEqual([
      { kind: 'retryAt', delayMs: 100 },
      { kind: 'retryAt', delayMs: 200 },
      { kind: 'retryAt', delayMs: 400 },
      { kind: 'giveUp', reason: 'retries_exhausted' },
    ]);
  });

  it('is a retry without a response', () => {
    const outcome: DeliveryOutcome = { kind: 'retryable', failure: { error: 'timeout' }, durationMs: 5_000 };
    expect(after(0, outcome)).toEqual({ kind: 'retryAt', delayMs: 100 });
  });

  it('counts the attempts of its generation only: a replay has all retries again', () => {
    expect(after(4, busy(), 4)).toEqual({ kind: 'retryAt', delayMs: 100 });
    expect(after(6, busy(), 4)).toEqual({ kind: 'retryAt', delayMs: 400 });
    expect(after(7, busy(), 4)).toEqual({ kind: 'giveUp', reason: 'retries_exhausted' });
  });

  it('waits for Retry-After up to the maximum, and never less than the policy', () => {
    expect(after(0, busy(700))).toEqual({ kind: 'retryAt', delayMs: 700 });
    expect(after(0, busy(86_400_000))).toEqual({ kind: 'retryAt', delayMs: 1_000 });
    expect(after(2, busy(0))).toEqual({ kind: 'retryAt', delayMs: 400 });
    expect(after(3, busy(700))).toEqual({ kind: 'giveUp', reason: 'retries_exhausted' });
  });
});
