import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { inAttemptSpan } from '../tracing/attempt-span.js';
import { currentCarrier } from '../tracing/tracing.js';
import { CallbackClient } from './callback-client.js';
import type { AttemptRecord } from './callback-job.js';
import type { AttemptFacts } from './callback-log.js';
import type { CallbackRequest } from './callback-request.js';
import type { Callback } from './callback.js';
import { DeliveryRecorder } from './delivery-recorder.js';
import { EndpointGate, type Deferral, type Lane } from '../isolation/endpoint-gate.js';
import { endpointKey } from '../isolation/endpoint-key.js';
import type { Verdict } from '../isolation/endpoint.js';
import type { DeliveryOutcome } from './delivery-outcome.js';

export interface AttemptResult {
  readonly kind: 'made';
  readonly outcome: DeliveryOutcome;
  readonly facts: AttemptFacts;
  /** The callback with this attempt in its history. */
  readonly callback: Callback;
}

/** Makes one attempt, where its endpoint may have one, and remembers it. What follows is the processor's. */
@Injectable()
export class AttemptMaker {
  constructor(
    private readonly gate: EndpointGate,
    private readonly client: CallbackClient,
    private readonly metrics: CallbackMetrics,
    private readonly recorder: DeliveryRecorder,
    private readonly clock: Clock,
    @Inject(DELIVERY_OPTIONS) private readonly options: Pick<DeliveryOptions, 'traceparent'>,
  ) {}

  /** Whether an attempt would be deferred now; costs nothing, for whoever must prepare one first. */
  deferral(callback: Callback, lane: Lane): Deferral | undefined {
    const deferral = this.gate.peek(keyOf(callback), lane);
    if (deferral) this.metrics.deferred(deferral.reason);
    return deferral;
  }

  async make(callback: Callback, lane: Lane): Promise<AttemptResult | Deferral> {
    const admission = await this.gate.admit(keyOf(callback), lane);
    if (admission.kind === 'deferred') {
      this.metrics.deferred(admission.reason);
      return admission;
    }
    let verdict: Verdict | 'not_made' = 'not_made';
    try {
      const result = await this.send(callback);
      verdict = verdictOn(result.outcome);
      return result;
    } finally {
      admission.release(verdict);
    }
  }

  private async send(callback: Callback): Promise<AttemptResult> {
    const startedAt = this.clock.now();
    const at = new Date(startedAt).toISOString();
    this.metrics.attemptStarted(callback, startedAt);
    const { url } = callback.document;
    const outcome = await inAttemptSpan({ url, number: callback.attempts.length + 1 }, () =>
      this.client.send(this.requestOf(callback)),
    );
    const remembered = record(at, outcome);
    this.recorder.attempted(callback, startedAt, remembered, outcome);
    const attempts = [...callback.attempts, remembered];
    const facts = { attempt: attempts.length, durationMs: outcome.durationMs };
    return { kind: 'made', outcome, facts, callback: { ...callback, attempts } };
  }

  private requestOf({ id, document }: Callback): CallbackRequest {
    const traceparent = this.options.traceparent ? currentCarrier()?.traceparent : undefined;
    return {
      id,
      url: document.url,
      bearerToken: document.bearer_token,
      signingSecrets: document.signing_secrets ?? [],
      body: JSON.stringify(document.payload),
      ...(traceparent !== undefined && { extraHeaders: { traceparent } }),
    };
  }
}

function keyOf({ callbackApiId, document }: Callback): string {
  return endpointKey(callbackApiId, document.url);
}

/** Whatever was answered and is not to be repeated says that the endpoint works. */
function verdictOn(outcome: DeliveryOutcome): Verdict {
  if (outcome.kind !== 'retryable') return 'answered';
  return outcome.failure.error === 'timeout' ? 'timed_out' : 'failed';
}

function record(at: string, outcome: DeliveryOutcome): AttemptRecord {
  const duration_ms = outcome.durationMs;
  if (outcome.kind === 'delivered') return { at, duration_ms, status_code: outcome.statusCode };
  const { statusCode, error } = outcome.failure;
  return statusCode === undefined ? { at, duration_ms, error } : { at, duration_ms, status_code: statusCode };
}
