import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFERRAL_REASONS, GIVE_UP_REASONS } from '../../src/service-callbacks/callbacks/callback.js';
import { Relay } from '../../src/service-callbacks/relay/relay.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { enqueueAs, RETRYING } from '../support/enqueue-as.js';
import { startReceiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

/** The sum of a metric's samples with these labels. */
function valueIn(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const samples = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((label) => line.includes(label)))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return samples.reduce((sum, sample) => sum + sample, 0);
}

const scrape = async (service: TestService) => String((await service.call('GET', '/metrics')).body);

describe('metrics', () => {
  let database: TestDatabase;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let service: TestService;
  let atStart: string;
  let text: string;

  const value = (name: string, labels: Readonly<Record<string, string>> = {}) => valueIn(text, name, labels);

  /** One callback that is delivered, one that gets a final response, and one whose retries run out. */
  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, { CALLBACK_MAX_RETRIES: '2' });
    atStart = await scrape(service);
    receiver.respond('/missing', 404);
    receiver.respond('/broken', 503);
    const paths = ['/ok', '/missing', '/broken'];
    const apis = await Promise.all(
      paths.map((path) => registerCallbackApi(service, { url: receiver.url(path) })),
    );
    await Promise.all(apis.map((api) => causeCallback(service, api.serviceId)));
    await service.logs.waitFor('callback.delivered');
    await service.logs.waitFor('callback.not_retried');
    await service.logs.waitFor('callback.retries_exhausted');
    text = await scrape(service);
  }, 60_000);

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  it('counts attempts by their result', () => {
    const callback_type = 'delivery_status';
    const attempts = (outcome: string, reason: string) =>
      value('service_callback_attempts_total', { callback_type, outcome, reason });
    expect(attempts('delivered', '200')).toBe(1);
    expect(attempts('final', '404')).toBe(1);
    expect(attempts('retryable', '503')).toBe(3);
    expect(value('service_callback_attempt_duration_seconds_count')).toBe(5);
  });

  it('counts each finished callback once', () => {
    const ended = (outcome: string) => value('service_callback_outcomes_total', { outcome });
    expect(ended('delivered')).toBe(1);
    expect(ended('not_retried')).toBe(1);
    expect(ended('retries_exhausted')).toBe(1);
    expect(value('service_callback_outcomes_total')).toBe(3);
  });

  it('observes how late each callback started, once', () => {
    expect(value('service_callback_forward_duration_seconds_count')).toBe(3);
  });

  it('has every outcome and every reason of a deferral from the start', () => {
    const outcome = (name: string) =>
      `service_callback_outcomes_total{callback_type="delivery_status",outcome="${name}"} 0`;
    for (const name of ['delivered', ...GIVE_UP_REASONS]) expect(atStart).toContain(outcome(name));
    for (const reason of DEFERRAL_REASONS)
      expect(atStart).toContain(`service_callback_deferred_total{reason="${reason}"} 0`);
  });

  it('shows the queues, what is in flight, the pools and the event loop', () => {
    expect(text).toContain('service_callback_queue_jobs{queue="service-callbacks",state="waiting"} 0');
    const states = text.matchAll(/^service_callback_queue_jobs\{queue="service-callbacks",state="(\w+)"\}/gm);
    expect([...states].map(([, state]) => state)).toEqual(['waiting', 'prioritized', 'active']);
    expect(text).toContain('service_callback_oldest_due_seconds 0');
    expect(text).toContain('service_callback_in_flight{pool="first"} 0');
    expect(text).toContain('service_callback_database_connections{pool="typeorm",state="waiting"} 0');
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  });

  it('has no label that grows with services', () => {
    for (const request of receiver.requests) expect(text).not.toContain(request.url);
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});

describe('service_callback_oldest_due_seconds', () => {
  it('counts from the time at which a callback was due', async () => {
    const database = await createTestDatabase();
    const service = await startTestService(database.url);
    try {
      const { serviceId } = await registerCallbackApi(service, { url: 'http://127.0.0.1:1/' });
      // Nothing is taken any more.
      await service.app.get(Relay).onModuleDestroy();
      const oldest = async () => valueIn(await scrape(service), 'service_callback_oldest_due_seconds');
      const old = `queued_at = now() - interval '1 day', generation_at = now() - interval '1 day'`;
      expect(await oldest()).toBe(0);
      await enqueueAs(service, serviceId, `${RETRYING}, ${old}`);
      expect(await oldest()).toBe(0);
      const due = `state = 'scheduled', next_attempt_at = now() - interval '100 seconds'`;
      await enqueueAs(service, serviceId, `${due}, ${old}`);
      expect(Math.floor((await oldest()) / 100)).toBe(1);
      await enqueueAs(service, serviceId, `changed_at = now() - interval '200 seconds', ${old}`);
      expect(Math.floor((await oldest()) / 100)).toBe(2);
    } finally {
      await service.stop();
      await database.drop();
    }
  });
});

describe('an open circuit', () => {
  it('is counted, and so is each deferred callback', async () => {
    const database = await createTestDatabase();
    const receiver = await startReceiver();
    const service = await startTestService(database.url, {
      CALLBACK_CIRCUIT_FAILURES: '1',
      CALLBACK_CIRCUIT_OPEN_MS: '3600000',
    });
    try {
      receiver.respond('/down', 503);
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/down') });
      const failed = await causeCallback(service, serviceId);
      await service.logs.waitFor('callback.retrying', { callback_id: failed.id });
      const deferred = await causeCallback(service, serviceId);
      await service.logs.waitFor('callback.deferred', { callback_id: deferred.id });
      const text = await scrape(service);
      expect(valueIn(text, 'service_callback_deferred_total', { reason: 'circuit_open' })).toBeGreaterThan(0);
      expect(valueIn(text, 'service_callback_circuits', { state: 'open' })).toBe(1);
    } finally {
      await service.stop();
      await receiver.close();
      await database.drop();
    }
  });
});
