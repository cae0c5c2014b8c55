import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/queues/queue-names.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { nothingStands } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

describe('with an SDK, which the host has registered', () => {
  const exporter = new InMemorySpanExporter();
  const contexts = new AsyncLocalStorageContextManager();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    context.setGlobalContextManager(contexts.enable());
    trace.setGlobalTracerProvider(provider);
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      CALLBACK_MAX_RETRIES: '2',
      CALLBACK_TRACEPARENT: 'true',
    });
  }, 60_000);

  afterEach(() => exporter.reset());

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
    trace.disable();
    context.disable();
    await provider.shutdown();
  });

  /** All that was traced of one callback, in the order in which it began. */
  async function spansOf(callbackId: string): Promise<ReadableSpan[]> {
    await nothingStands(service);
    const spans = exporter.getFinishedSpans();
    const send = spans.find(
      ({ kind, attributes }) =>
        kind === SpanKind.PRODUCER && attributes['messaging.message.id'] === callbackId,
    );
    const traceId = send?.spanContext().traceId;
    return spans
      .filter((span) => span.spanContext().traceId === traceId)
      .toSorted((one, other) => toMs(one.startTime) - toMs(other.startTime) || kinship(one, other));
  }

  /** A span begins on a whole millisecond, and its parent before it. */
  function kinship(one: ReadableSpan, other: ReadableSpan): number {
    if (idOf(one) === parentOf(other)) return -1;
    return idOf(other) === parentOf(one) ? 1 : 0;
  }

  const toMs = ([seconds, nanoseconds]: ReadableSpan['startTime']) => seconds * 1_000 + nanoseconds / 1e6;
  const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId;
  const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;

  it('is one trace from the receipt through both queues to every attempt', async () => {
    receiver.respond('/flaky', [503, 500, 200]);
    const { serviceId, id: callbackApiId } = await registerCallbackApi(service, {
      url: receiver.url('/flaky?secret=in-the-query'),
    });
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: id });

    const spans = await spansOf(id);
    expect(spans.map(({ name }) => name)).toEqual([
      'receipt',
      `send ${MAIN_QUEUE}`,
      `process ${MAIN_QUEUE}`,
      'POST',
      `process ${RETRY_QUEUE}`,
      'POST',
      `process ${RETRY_QUEUE}`,
      'POST',
    ]);
    const [receipt, send, ...rest] = spans;
    expect(parentOf(send)).toBe(idOf(receipt));
    for (const [at, span] of rest.entries()) {
      // Each job goes on from where it was enqueued, each request from its job.
      expect(parentOf(span)).toBe(span.kind === SpanKind.CLIENT ? idOf(rest[at - 1]) : idOf(send));
    }

    expect(send).toMatchObject({
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'bullmq',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': MAIN_QUEUE,
        'messaging.message.id': id,
      },
    });
    const [first, firstRequest, , , last, lastRequest] = rest;
    expect(first).toMatchObject({
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'messaging.operation.type': 'process',
        'messaging.destination.name': MAIN_QUEUE,
        'messaging.message.id': id,
        'service_callbacks.service_id': serviceId,
        'service_callbacks.callback_api_id': callbackApiId,
        'service_callbacks.attempt': 1,
      },
    });
    // That it went over to the retry queue is no result of the callback's.
    expect(first?.attributes).not.toHaveProperty(['service_callbacks.result']);
    expect(firstRequest).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 503,
        'error.type': '503',
        'url.full': receiver.url('/flaky'),
        'server.address': '127.0.0.1',
        'server.port': receiver.port,
      },
    });
    expect(rest[2]?.attributes['service_callbacks.result']).toBe('retry_later');
    expect(last?.attributes).toMatchObject({ 'service_callbacks.attempt': 3 });
    expect(lastRequest).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'http.response.status_code': 200, 'http.request.resend_count': 2 },
    });
    const told = JSON.stringify(spans.map(({ name, attributes, status }) => ({ name, attributes, status })));
    expect(told).not.toMatch(/in-the-query|recipient@example\.com|a-bearer-token/);

    // What the endpoint was told is the request that it got.
    const sent = receiver.requests.filter(({ path }) => path === '/flaky').map(({ headers }) => headers);
    const requests = spans.filter(({ kind }) => kind === SpanKind.CLIENT).map((span) => span.spanContext());
    expect(sent.map(({ traceparent }) => traceparent)).toEqual(
      requests.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    );
    expect(sent.some((headers) => 'tracestate' in headers || 'baggage' in headers)).toBe(false);
  });

  it('says why there was no answer, and how a callback ended; a replay is a trace of its own', async () => {
    receiver.respond('/refuses', [404, 200]);
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/refuses') });
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitForEnd(id);
    const spans = await spansOf(id);
    const processed = spans.find(({ kind }) => kind === SpanKind.CONSUMER);
    expect(processed?.attributes['service_callbacks.result']).toBe('not_retried');
    // An endpoint that refuses is no fault of this platform.
    expect(processed?.status.code).toBe(SpanStatusCode.UNSET);

    await deadLettersOf(service, serviceId).replay(id);
    await service.logs.waitFor('callback.delivered', { callback_id: id });
    await nothingStands(service);
    const replayed = exporter
      .getFinishedSpans()
      .filter((span) => span.attributes['messaging.message.id'] === id)
      .at(-1);
    expect(replayed?.name).toBe(`process ${RETRY_QUEUE}`);
    expect(replayed?.spanContext().traceId).not.toBe(processed?.spanContext().traceId);
  });
});

describe('without one', () => {
  it('carries nothing, sends no traceparent and delivers', async () => {
    const database = await createTestDatabase();
    const receiver = await startReceiver();
    const service = await startTestService(database.url, { CALLBACK_TRACEPARENT: 'true' });
    try {
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/plain') });
      await causeCallback(service, serviceId);
      const [request] = await receiver.waitForRequests(1, { path: '/plain' });
      expect(request?.headers).not.toHaveProperty('traceparent');
    } finally {
      await service.stop();
      await receiver.close();
      await database.drop();
    }
  }, 60_000);
});
