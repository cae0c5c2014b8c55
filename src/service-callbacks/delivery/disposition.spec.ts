import { describe, expect, it } from '@jest/globals';
import type { Callback } from '../callbacks/callback.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { dispositionOf } from './disposition.js';
import { RetryPolicy } from './retry-policy.js';

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
