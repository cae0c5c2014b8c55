import { describe, expect, it } from '@jest/globals';
import { ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { carrierOf, contextOf } from './trace-carrier.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('a trace carrier', () => {
  it.each([
    { traceparent: `00-${TRACE}-${SPAN}-01` },
    { traceparent: `00-${TRACE}-${SPAN}-00` },
    { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=value' },
  ])('is read as it was written: %j', (carrier) => {
    expect(carrierOf(contextOf(carrier))).toEqual(carrier);
  });

  it('is read from a later version, with the flag that is known', () => {
    const later = contextOf({ traceparent: `01-${TRACE}-${SPAN}-ff-more` });
    expect(trace.getSpanContext(later)).toMatchObject({ traceId: TRACE, traceFlags: TraceFlags.SAMPLED });
  });

  it.each([
    undefined,
    '',
    'nonsense',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01extra`,
  ])('begins a new trace if it is %j', (traceparent) => {
    expect(contextOf(traceparent === undefined ? undefined : { traceparent })).toBe(ROOT_CONTEXT);
  });

  it('is undefined outside of a trace', () => {
    expect(carrierOf(ROOT_CONTEXT)).toBeUndefined();
    const invalid = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 1 };
    expect(carrierOf(trace.setSpanContext(ROOT_CONTEXT, invalid))).toBeUndefined();
  });
});
