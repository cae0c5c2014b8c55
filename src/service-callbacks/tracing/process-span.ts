import { SpanKind, type Span } from '@opentelemetry/api';
import { DelayedError } from 'bullmq';
import type { Callback } from '../delivery/callback.js';
import { HandedOverError } from '../delivery/handed-over.error.js';
import { contextOf } from './trace-carrier.js';
import { inSpan, isTraced, messagingAttributes } from './tracing.js';

export interface TracedJob {
  readonly queue: string;
  /** As much as is known of it. */
  readonly callback: Partial<Callback>;
  /** Which errors are a worker's way of saying how a job goes on. */
  readonly isExpected: (error: unknown) => boolean;
}

/**
 * What a worker does with one job, in the trace of whoever enqueued the callback: hours later too, and for every
 * attempt (semantic conventions for messaging; the parent rather than a link, as each job is of one callback).
 */
export function inProcessSpan(
  { queue, callback, isExpected }: TracedJob,
  work: () => Promise<void>,
): Promise<void> {
  if (callback.trace === undefined && !isTraced()) return work();
  const options = {
    kind: SpanKind.CONSUMER,
    attributes: messagingAttributes('process', queue),
    parent: contextOf(callback.trace),
    isExpected,
  };
  return inSpan(`process ${queue}`, options, async (span) => {
    describe(span, callback);
    try {
      await work();
    } catch (error) {
      const isResult = isExpected(error) && !(error instanceof HandedOverError);
      if (span.isRecording() && isResult)
        span.setAttribute('service_callbacks.result', resultOf(error as Error));
      throw error;
    }
  });
}

/** Where it is not put off, the message is a code of ours: a reason to give up, or `retry_later`. */
function resultOf(error: Error): string {
  return error instanceof DelayedError ? 'deferred' : error.message;
}

function describe(
  span: Span,
  { id, serviceId, callbackType, callbackApiId, attempts }: Partial<Callback>,
): void {
  if (!span.isRecording()) return;
  span.setAttributes({
    ...(id !== undefined && { 'messaging.message.id': id }),
    ...(serviceId !== undefined && { 'service_callbacks.service_id': serviceId }),
    ...(callbackType !== undefined && { 'service_callbacks.callback_type': callbackType }),
    ...(callbackApiId !== undefined && { 'service_callbacks.callback_api_id': callbackApiId }),
    ...(attempts !== undefined && { 'service_callbacks.attempt': attempts.length + 1 }),
  });
}
