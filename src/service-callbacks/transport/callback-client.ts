import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { excerptOf, headersOf } from './response-excerpt.js';
import { AttemptDeadline } from './attempt-deadline.js';
import { callbackHeaders } from './callback-headers.js';
import type { CallbackRequest } from './callback-request.js';
import type { DeliveryOutcome } from './delivery-outcome.js';
import { parseRetryAfter } from './retry-after.js';
import { CALLBACK_TRANSPORT, type CallbackTransport, type TransportResponse } from './callback-transport.js';
import { type DeliveryError, NoResponseError } from '../connections/errors.js';

/** Every attempt at the same URL fails in this way. */
const FINAL_ERRORS: ReadonlySet<DeliveryError> = new Set([
  'invalid_url',
  'scheme_not_allowed',
  'userinfo_not_allowed',
  'port_not_allowed',
  'address_not_allowed',
]);

/** The status codes whose `Retry-After` is honoured. */
const WITH_RETRY_AFTER: ReadonlySet<number> = new Set([429, 503]);

/** Makes one attempt at one endpoint and returns its outcome. It knows nothing of queues, retries or databases. */
@Injectable()
export class CallbackClient {
  constructor(
    @Inject(CALLBACK_TRANSPORT) private readonly transport: CallbackTransport,
    private readonly clock: Clock,
    @Inject(DELIVERY_OPTIONS) private readonly options: Pick<DeliveryOptions, 'timeoutMs'>,
  ) {}

  /**
   * Returns when the connection is free again, at the latest at the deadline. Complete response headers decide the
   * outcome, whatever happens to the body.
   * @throws only for a fault of this platform (a header that no request may have, a host's interceptor that throws),
   * never because of a server
   */
  async send(request: CallbackRequest): Promise<DeliveryOutcome> {
    const startedAt = this.clock.monotonic();
    const deadline = new AttemptDeadline(this.options.timeoutMs);
    try {
      const headers = callbackHeaders(request, this.clock.now());
      const response = await this.transport.post({ url: request.url, headers, body: request.body }, deadline);
      const outcome = this.outcomeOf(response, this.since(startedAt));
      await response.drained;
      if (outcome.kind === 'delivered') return outcome;
      if (outcome.failure.error !== undefined) return outcome;
      const excerpt = excerptOf(response.body(), request);
      const kept = headersOf(response.headers, request);
      return {
        ...outcome,
        ...(excerpt !== undefined && { excerpt }),
        ...(kept !== undefined && { headers: kept }),
      };
    } catch (error) {
      if (error instanceof NoResponseError) return outcomeWithout(error.reason, this.since(startedAt));
      throw error;
    } finally {
      deadline.end();
    }
  }

  /** Classifies a response by its status code: delivered, retryable or final. */
  private outcomeOf(response: TransportResponse, durationMs: number): DeliveryOutcome {
    const { statusCode } = response;
    if (statusCode < 200 || statusCode > 599) return outcomeWithout('invalid_response', durationMs);
    if (statusCode < 300) return { kind: 'delivered', statusCode, durationMs };
    if (statusCode !== 429 && statusCode < 500) return { kind: 'final', failure: { statusCode }, durationMs };

    const retryAfterMs = WITH_RETRY_AFTER.has(statusCode)
      ? parseRetryAfter([response.headers['retry-after']].flat()[0], this.clock.now())
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
