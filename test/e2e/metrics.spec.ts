import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getQueueToken } from '@nestjs/bullmq';
import type { Queue } from 'bullmq';
import { RETRY_QUEUE } from '../../src/queues/queue-names.js';
import { oldestDueAt } from '../../src/service-callbacks/metrics/oldest-due.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { testedBackend } from '../support/queue-backend.js';
import { startReceiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

/** Only the outbox of the Redis backend has these. */
const REDIS_ONLY = ['service_callback_outbox_jobs', 'service_callback_outbox_oldest_seconds'];

describe('metrics', () => {
  let database: TestDatabase;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let service: TestService;
  let text: string;

  /** The sum of a metric's samples with these labels. */
  function value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([label, text_]) => `${label}="${text_}"`);
    const samples = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
    return samples.reduce((sum, sample) => sum + sample, 0);
  }

  /** One callback that is delivered, one that gets a final answer, and one whose circuit opens and that runs out. */
  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      CALLBACK_MAX_RETRIES: '2',
      CALLBACK_CIRCUIT_FAILURES: '2',
      CALLBACK_CIRCUIT_OPEN_MS: '2000',
    });
    receiver.respond('/missing', 404);
    receiver.respond('/broken', 503);
    const paths = ['/ok', '/missing', '/broken'];
    const apis = await Promise.all(
      paths.map((path) => registerCallbackApi(service, { url: receiver.url(path) })),
    );
    await Promise.all(apis.map((api) => causeCallback(service, api.serviceId)));
    await service.logs.waitFor('callback.delivered');
    await service.logs.waitFor('callback.not_retried');
    await service.logs.waitFor('callback.deferred');
    await service.logs.waitFor('callback.retries_exhausted');
    text = String((await service.call('GET', '/metrics')).body);
  }, 60_000);

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  it('counts attempts by what came back', () => {
    const callback_type = 'delivery_status';
    const attempts = (outcome: string, reason: string) =>
      value('service_callback_attempts_total', { callback_type, outcome, reason });
    expect(attempts('delivered', '200')).toBe(1);
    expect(attempts('final', '404')).toBe(1);
    expect(attempts('retryable', '503')).toBe(3);
    expect(value('service_callback_attempt_duration_seconds_count')).toBe(5);
  });

  it('counts endings, each once', () => {
    const ended = (outcome: string) => value('service_callback_outcomes_total', { outcome });
    expect(ended('delivered')).toBe(1);
    expect(ended('not_retried')).toBe(1);
    expect(ended('retries_exhausted')).toBe(1);
    expect(value('service_callback_outcomes_total')).toBe(3);
  });

  it('observes how late each callback started, once', () => {
    expect(value('service_callback_forward_duration_seconds_count')).toBe(3);
  });

  it('counts deferrals by reason, and circuits by state', () => {
    expect(value('service_callback_deferred_total', { reason: 'circuit_open' })).toBeGreaterThan(0);
    expect(value('service_callback_circuits')).toBe(3);
  });

  it('shows the queues, what is in flight, the pools and the event loop', () => {
    expect(text).toContain('service_callback_queue_jobs{queue="service-callbacks",state="waiting"} 0');
    expect(text).toContain('service_callback_oldest_due_seconds{queue="service-callbacks-retry"} 0');
    expect(text).toContain('service_callback_in_flight{lane="first"} 0');
    expect(text).toContain('service_callback_database_connections{pool="typeorm",state="waiting"} 0');
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(text.includes(REDIS_ONLY[0] ?? '')).toBe(testedBackend() === 'redis');
  });

  it('has no label that grows with services', () => {
    for (const request of receiver.requests) expect(text).not.toContain(request.url);
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });

  it.each(['deploy/alerts.yaml', 'deploy/grafana-dashboard.json'])(
    '%s names metrics that there are',
    async (file) => {
      const names = new Set(
        (await readFile(file, 'utf8')).match(/\b(?:service_callback|nodejs)_[a-z0-9_]+/g),
      );
      expect(names.size).toBeGreaterThan(3);
      const absent = testedBackend() === 'redis' ? [] : REDIS_ONLY;
      for (const name of names) {
        if (absent.includes(name)) continue;
        expect(text).toMatch(new RegExp(`^${name}[ {]`, 'm'));
      }
    },
  );

  it('every alert has an entry in the runbook', async () => {
    const alerts = (await readFile('deploy/alerts.yaml', 'utf8')).matchAll(/alert: (\w+)/g);
    const runbook = await readFile('docs/runbook.md', 'utf8');
    for (const [, alert] of alerts) expect(runbook).toContain(`## ${alert}\n`);
  });
});

describe('service_callback_oldest_due_seconds', () => {
  let database: TestDatabase;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    // An hour between attempts, and a circuit that opens with the first failure for as long.
    service = await startTestService(database.url, {
      CALLBACK_RETRY_DELAY_MS: '3600000',
      CALLBACK_RETRY_MAX_DELAY_MS: '3600000',
      CALLBACK_CIRCUIT_FAILURES: '1',
      CALLBACK_CIRCUIT_OPEN_MS: '3600000',
    });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  it('counts from when a job was to be taken, however often it was put off before', async () => {
    receiver.respond('/away', 503);
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/away') });
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.retrying', { callback_id: id });
    const { id: putOff } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.deferred', { callback_id: putOff });

    const retries = service.app.get<Queue>(getQueueToken(RETRY_QUEUE));
    const jobs = (await retries.getDelayed()) as { data: { callback_id: string; due_at?: number } }[];
    const said = (name: string, of: string) =>
      Date.parse(String(service.logs.events(name, { callback_id: of })[0]?.['next_attempt_at']));
    const dueAt = new Map(jobs.map(({ data }) => [data.callback_id, data.due_at ?? Number.NaN]));
    expect(Math.abs((dueAt.get(id) ?? 0) - said('callback.retrying', id))).toBeLessThan(1_000);
    expect(Math.abs((dueAt.get(putOff) ?? 0) - said('callback.deferred', putOff))).toBeLessThan(1_000);

    // Five minutes old, put off again and again, and due ten seconds ago.
    const now = Date.now();
    await retries.pause();
    await retries.add('old', { due_at: now - 10_000 }, { timestamp: now - 300_000 });
    expect(await oldestDueAt(retries)).toBe(now - 10_000);
  });
});
