import { context, trace, SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import type { Callback } from '../callbacks/callback.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { portOf } from '../addresses/callback-url.js';
import { contextOf } from '../tracing/trace-carrier.js';
import { inSpan, isTraced } from '../tracing/tracing.js';

/**
 * The span of one attempt's HTTP request (semantic conventions for HTTP clients). It belongs to the trace in which the
 * callback was enqueued, even hours later, and is linked to the span of its job.
 * @param callback before the attempt
 */
export function inAttemptSpan<Outcome extends DeliveryOutcome>(
  callback: Callback,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  if (!isTraced()) return work();
  const batch = trace.getSpanContext(context.active());
  return inSpan(
    'POST',
    {
      kind: SpanKind.CLIENT,
      attributes: { 'http.request.method': 'POST' },
      ...(callback.trace && { parent: contextOf(callback.trace), links: batch ? [{ context: batch }] : [] }),
    },
    async (span) => {
      if (span.isRecording()) span.setAttributes(attributesOf(callback));
      const outcome = await work();
      if (span.isRecording()) conclude(span, outcome);
      return outcome;
    },
  );
}

/** Without the query, which may have a secret in it. */
function attributesOf({ id, serviceId, endpointId, attempts, url }: Callback): Attributes {
  const parsed = URL.parse(url);
  return {
    'messaging.message.id': id,
    'service_callbacks.service_id': serviceId,
    'service_callbacks.callback_api_id': endpointId,
    'service_callbacks.attempt': attempts + 1,
    ...(attempts > 0 && { 'http.request.resend_count': attempts }),
    ...(parsed && {
      'url.full': parsed.origin + parsed.pathname,
      'server.address': parsed.hostname,
      'server.port': portOf(parsed),
    }),
  };
}

function conclude(span: Span, outcome: DeliveryOutcome): void {
  if (outcome.kind === 'delivered') {
    span.setAttribute('http.response.status_code', outcome.statusCode);
    return;
  }
  const { statusCode, error } = outcome.failure;
  if (statusCode !== undefined) span.setAttribute('http.response.status_code', statusCode);
  span.setAttribute('error.type', error ?? String(statusCode));
  span.setStatus({ code: SpanStatusCode.ERROR });
}
