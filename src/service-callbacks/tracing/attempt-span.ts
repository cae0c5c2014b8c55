import { SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import type { DeliveryOutcome } from '../delivery/delivery-outcome.js';
import { portOf } from '../security/callback-url.js';
import { inSpan, isTraced } from './tracing.js';

/** What a span says of an attempt before it is made. */
export interface TracedAttempt {
  readonly url: string;
  /** From 1, over the callback's whole life. */
  readonly number: number;
}

/** The HTTP request of one attempt (semantic conventions for HTTP clients). */
export function inAttemptSpan<Outcome extends DeliveryOutcome>(
  attempt: TracedAttempt,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  if (!isTraced()) return work();
  return inSpan(
    'POST',
    { kind: SpanKind.CLIENT, attributes: { 'http.request.method': 'POST' } },
    async (span) => {
      if (span.isRecording()) span.setAttributes(attributesOf(attempt));
      const outcome = await work();
      if (span.isRecording()) conclude(span, outcome);
      return outcome;
    },
  );
}

/** A query may have a secret in it. */
function attributesOf({ url, number }: TracedAttempt): Attributes {
  const parsed = URL.parse(url);
  return {
    ...(number > 1 && { 'http.request.resend_count': number - 1 }),
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
