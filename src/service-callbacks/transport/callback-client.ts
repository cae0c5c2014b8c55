import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { excerptOf, headersOf } from './answer-excerpt.js';
import { AttemptDeadline } from './attempt-deadline.js';
import { callbackHeaders } from './callback-headers.js';
import type { CallbackRequest } from './callback-request.js';
import type { DeliveryError, DeliveryOutcome } from './delivery-outcome.js';
import { parseRetryAfter } from './retry-after.js';
import { CALLBACK_TRANSPORT, type CallbackTransport, type TransportAnswer } from './callback-transport.js';
import { NoAnswerError } from './no-answer.error.js';

export interface CallbackClientOptions {
  /** One total deadline per attempt, in milliseconds (`CALLBACK_TIMEOUT_MS`, R12). */
  readonly timeoutMs: number;
}

/** Injection token of {@link CallbackClientOptions}. */
export const CALLBACK_CLIENT_OPTIONS = Symbol('CALLBACK_CLIENT_OPTIONS');

/** No attempt at the same URL can end differently (R14). */
const FINAL_ERRORS: ReadonlySet<DeliveryError> = new Set([
  'invalid_url',
  'scheme_not_allowed',
  'userinfo_not_allowed',
  'port_not_allowed',
  'address_not_allowed',
]);

/** The statuses whose `Retry-After` is honoured (R13). */
const ASKS_TO_WAIT: ReadonlySet<number> = new Set([429, 503]);

/** Makes one attempt at one endpoint and says what became of it. Knows nothing of queues, retries or databases. */
@Injectable()
export class CallbackClient {
  constructor(
    @Inject(CALLBACK_TRANSPORT) private readonly transport: CallbackTransport,
    private readonly clock: Clock,
    @Inject(CALLBACK_CLIENT_OPTIONS) private readonly options: CallbackClientOptions,
  ) {}

  /**
   * Returns when the connection is free again, at the latest at the deadline; complete response headers decide
   * the outcome, whatever becomes of the body (R12).
   *
   * @throws only for a fault of this platform (a header no request may carry, a host's interceptor that throws),
   *   never for what a server did
   */
  async send(request: CallbackRequest): Promise<DeliveryOutcome> {
    const startedAt = this.clock.monotonic();
    const deadline = new AttemptDeadline(this.options.timeoutMs);
    try {
      const headers = callbackHeaders(request, this.clock.now());
      const answer = await this.transport.post({ url: request.url, headers, body: request.body }, deadline);
      const outcome = this.outcomeOf(answer, this.since(startedAt));
      await answer.drained;
      if (outcome.kind === 'delivered') return outcome;
      if (outcome.failure.error !== undefined) return outcome;
      const excerpt = excerptOf(answer.body(), request);
      const kept = headersOf(answer.headers, request);
      return {
        ...outcome,
        ...(excerpt !== undefined && { excerpt }),
        ...(kept !== undefined && { headers: kept }),
      };
    } catch (error) {
      if (error instanceof NoAnswerError) return outcomeWithout(error.reason, this.since(startedAt));
      throw error;
    } finally {
      deadline.end();
    }
  }

  /** R8, R13, R14. */
  private outcomeOf(answer: TransportAnswer, durationMs: number): DeliveryOutcome {
    const { statusCode } = answer;
    if (statusCode < 200 || statusCode > 599) return outcomeWithout('invalid_response', durationMs);
    if (statusCode < 300) return { kind: 'delivered', statusCode, durationMs };
    if (statusCode !== 429 && statusCode < 500) return { kind: 'final', failure: { statusCode }, durationMs };

    const retryAfterMs = ASKS_TO_WAIT.has(statusCode)
      ? parseRetryAfter([answer.headers['retry-after']].flat()[0], this.clock.now())
      : undefined;
    return {
      kind: 'retryable',
      failure: { statusCode },
      durationMs,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }

  /** Whole milliseconds. */
  private since(startedAt: number): number {
    return Math.round(this.clock.monotonic() - startedAt);
  }
}

function outcomeWithout(error: DeliveryError, durationMs: number): DeliveryOutcome {
  return { kind: FINAL_ERRORS.has(error) ? 'final' : 'retryable', failure: { error }, durationMs };
}
