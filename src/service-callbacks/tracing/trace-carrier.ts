import {
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Context,
} from '@opentelemetry/api';
import { z } from 'zod';

/** A place in a trace, in the form of W3C whichever propagator the host has. It has no baggage. */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

/** The lengths that W3C Trace Context allows. */
export const traceCarrierSchema = z.object({
  traceparent: z.string().max(100),
  tracestate: z.string().max(512).optional(),
});

/** `version-traceid-spanid-flags` (W3C Trace Context §3.2.2), version 00 or a later one with the same beginning. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/** @returns undefined if the context is in no trace */
export function carrierOf(context: Context): TraceCarrier | undefined {
  const span = trace.getSpanContext(context);
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0');
  const tracestate = span.traceState?.serialize();
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    ...(tracestate !== undefined && tracestate !== '' && { tracestate }),
  };
}

/** @returns the root context if there is no carrier, or it cannot be read: the job is delivered all the same */
export function contextOf(carrier: TraceCarrier | undefined): Context {
  const [, traceId, spanId, flags = ''] = TRACEPARENT.exec(carrier?.traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(carrier?.tracestate !== undefined && { traceState: createTraceState(carrier.tracestate) }),
  });
}
