import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { DataSource } from 'typeorm';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { allFinished } from '../support/queue-state.js';
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

  /** All spans of one callback's trace, in the order of their beginnings. */
  async function spansOf(callbackId: string): Promise<ReadableSpan[]> {
    await allFinished(service);
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

  /** The spans of the jobs that a callback was in, by the links from its attempts. */
  const jobsOf = (attempts: readonly ReadableSpan[]) =>
    attempts.map(({ links }) =>
      exporter.getFinishedSpans().find((span) => idOf(span) === links[0]?.context.spanId),
    );

  it('is one trace from the receipt to every attempt, and each is linked to its job', async () => {
    receiver.respond('/flaky', [503, 500, 200]);
    const { serviceId, id: callbackApiId } = await registerCallbackApi(service, {
      url: receiver.url('/flaky?secret=in-the-query'),
    });
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: id });

    const spans = await spansOf(id);
    expect(spans.map(({ name }) => name)).toEqual(['receipt', `send ${MAIN_QUEUE}`, 'POST', 'POST', 'POST']);
    const [receipt, send, ...attempts] = spans;
    expect(parentOf(send)).toBe(idOf(receipt));
    for (const attempt of attempts) expect(parentOf(attempt)).toBe(idOf(send));

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
    const [first, , last] = attempts;
    expect(first).toMatchObject({
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.ERROR },
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 503,
        'error.type': '503',
        'url.full': receiver.url('/flaky'),
        'server.address': '127.0.0.1',
        'server.port': receiver.port,
        'messaging.message.id': id,
        'service_callbacks.service_id': serviceId,
        'service_callbacks.callback_api_id': callbackApiId,
        'service_callbacks.attempt': 1,
      },
    });
    expect(last).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'http.response.status_code': 200,
        'http.request.resend_count': 2,
        'service_callbacks.attempt': 3,
      },
    });

    // A job may have callbacks of many traces: its span has a trace of its own, with a link to each of them.
    const jobs = jobsOf(attempts);
    expect(jobs.map((job) => job?.name)).toEqual([
      `process ${MAIN_QUEUE}`,
      `process ${RETRY_QUEUE}`,
      `process ${RETRY_QUEUE}`,
    ]);
    for (const job of jobs) {
      expect(job).toMatchObject({
        kind: SpanKind.CONSUMER,
        // An endpoint that fails is no fault of this platform.
        status: { code: SpanStatusCode.UNSET },
        attributes: { 'messaging.operation.type': 'process', 'messaging.batch.message_count': 1 },
      });
      expect(job?.links.map((link) => link.context.spanId)).toEqual([idOf(send)]);
    }
    const text = JSON.stringify(
      [...spans, ...jobs].map((span) => [span?.name, span?.attributes, span?.status]),
    );
    expect(text).not.toMatch(/in-the-query|recipient@example\.com|a-bearer-token/);

    // The trace context that the endpoint gets is that of its request.
    const sent = receiver.requests.filter(({ path }) => path === '/flaky').map(({ headers }) => headers);
    const requests = attempts.map((span) => span.spanContext());
    expect(sent.map(({ traceparent }) => traceparent)).toEqual(
      requests.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    );
    expect(sent.some((headers) => 'tracestate' in headers || 'baggage' in headers)).toBe(false);
  });

  it('has one span for a job of many callbacks, linked to the trace of each', async () => {
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/many') });
    const sent = await service.app.get(DataSource).transaction((manager) =>
      // Committed together: one take finds both.
      Promise.all(
        [1, 2].map(() =>
          service.app
            .get(ServiceCallbacksProducer)
            .sendDeliveryStatus(aNotification({ serviceId }), { manager }),
        ),
      ),
    );
    await receiver.waitForRequests(2, { path: '/many' });
    await allFinished(service);
    const sends = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.PRODUCER);
    const jobs = exporter.getFinishedSpans().filter(({ name }) => name === `process ${MAIN_QUEUE}`);
    expect(sent.every(({ queued }) => queued)).toBe(true);
    expect(jobs).toHaveLength(1);
    expect(jobs[0]?.attributes['messaging.batch.message_count']).toBe(2);
    expect(new Set(jobs[0]?.links.map((link) => link.context.spanId))).toEqual(new Set(sends.map(idOf)));
  });

  it('shows why there was no 2xx; a replay is another job in the same trace', async () => {
    receiver.respond('/refuses', [404, 200]);
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/refuses') });
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitForEnd(id);
    await deadLettersOf(service, serviceId).replay(id);
    await service.logs.waitFor('callback.delivered', { callback_id: id });

    const [, , refused, replayed] = await spansOf(id);
    expect(refused).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': '404', 'service_callbacks.attempt': 1 },
    });
    expect(replayed).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'http.response.status_code': 200, 'service_callbacks.attempt': 2 },
    });
    const jobs = jobsOf([refused, replayed].filter((span) => span !== undefined));
    expect(jobs.map((job) => job?.name)).toEqual([`process ${MAIN_QUEUE}`, `process ${RETRY_QUEUE}`]);
  });
});

describe('without one', () => {
  it('sends no traceparent, and delivers', async () => {
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
