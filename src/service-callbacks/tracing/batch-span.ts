import { SpanKind, trace, type Link } from '@opentelemetry/api';
import { contextOf, type TraceCarrier } from './trace-carrier.js';
import { inSpan, isTraced, messagingAttributes } from './tracing.js';

/**
 * The span of a worker's work on one job. Its callbacks come from many traces: the span is linked to each (semantic
 * conventions for messaging, batch processing), and each attempt has a span in its callback's own trace.
 */
export function inBatchSpan<T>(
  queue: string,
  callbacks: readonly { readonly trace?: TraceCarrier | undefined }[],
  work: () => Promise<T>,
): Promise<T> {
  if (!isTraced()) return work();
  const options = {
    kind: SpanKind.CONSUMER,
    attributes: {
      ...messagingAttributes('process', queue),
      'messaging.batch.message_count': callbacks.length,
    },
    links: callbacks.flatMap(({ trace: carrier }) => linkTo(carrier)),
  };
  return inSpan(`process ${queue}`, options, work);
}

function linkTo(carrier: TraceCarrier | undefined): Link[] {
  const context = trace.getSpanContext(contextOf(carrier));
  return context ? [{ context }] : [];
}
