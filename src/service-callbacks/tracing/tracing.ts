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
} from '@opentelemetry/api';
import { carrierOf, type TraceCarrier } from './trace-carrier.js';

/** The tracer of the API while no SDK is registered. */
const NO_SDK = new ProxyTracerProvider().getDelegate();

/**
 * Whether an OpenTelemetry SDK records spans. Checked at each use: an SDK may be
 * registered after this is loaded.
 */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== NO_SDK;
}

/** Attributes that all spans of a queue have (semantic conventions for messaging). */
export function messagingAttributes(operation: 'send' | 'process', queue: string): Attributes {
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
