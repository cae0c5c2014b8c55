import {
  context,
  ProxyTracerProvider,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
  type Link,
} from '@opentelemetry/api';
import { carrierOf, type TraceCarrier, contextOf } from './trace-carrier.js';

/** The tracer of the API while no SDK is registered. */
const NO_SDK = new ProxyTracerProvider().getDelegate();

/** Whether an OpenTelemetry SDK records spans. Checked at each use: an SDK may be registered after this is loaded. */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== NO_SDK;
}

/** Attributes that all spans of a queue have (semantic conventions for messaging). */
function messagingAttributes(operation: 'send' | 'process', queue: string): Attributes {
  return {
    'messaging.system': 'bullmq',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': queue,
  };
}

/** Runs `work` in a span. An error of `work` is recorded, unless `isExpected` says otherwise. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions & { readonly parent?: Context; readonly isExpected?: (error: unknown) => boolean },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const { parent = context.active(), isExpected, ...rest } = options;
  const span = trace.getTracer('service-callbacks').startSpan(name, rest, parent);
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span));
  } catch (error) {
    if (isExpected?.(error) !== true) failed(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** The place in the trace where this code runs. */
export function currentCarrier(): TraceCarrier | undefined {
  return carrierOf(context.active());
}

/** The span `send <queue>`: what `work` enqueues continues this trace, by the carrier that it gets. */
export function inSendSpan<T>(
  queue: string,
  messageIds: readonly string[],
  work: (carrier: TraceCarrier | undefined) => Promise<T>,
): Promise<T> {
  const [only] = messageIds;
  const which: Attributes =
    messageIds.length === 1 && only !== undefined
      ? { 'messaging.message.id': only }
      : { 'messaging.batch.message_count': messageIds.length };
  const attributes = { ...messagingAttributes('send', queue), ...which };
  return inSpan(`send ${queue}`, { kind: SpanKind.PRODUCER, attributes }, () => work(currentCarrier()));
}

function failed(span: Span, error: unknown): void {
  if (!span.isRecording()) return;
  const name = error instanceof Error ? error.name : 'Error';
  span.setAttribute('error.type', name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: name });
}

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
  const spanContext = trace.getSpanContext(contextOf(carrier));
  return spanContext ? [{ context: spanContext }] : [];
}
