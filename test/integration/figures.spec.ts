import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/database/open-data-source.js';
import { CallbackTypeRegistry } from '../../src/service-callbacks/callback-types/callback-type-registry.js';
import type { Callback } from '../../src/service-callbacks/callbacks/callback.js';
import type { DeliveryOutcome } from '../../src/service-callbacks/transport/delivery-outcome.js';
import { FigureFlusher } from '../../src/service-callbacks/figures/figure-flusher.js';
import { FigureWriter } from '../../src/service-callbacks/figures/figure-writer.js';
import { Figures } from '../../src/service-callbacks/figures/figures.js';
import { CallbackMetrics } from '../../src/service-callbacks/metrics/callback-metrics.js';
import { EndpointsRepository } from '../../src/service-callbacks/reporting/endpoints.repository.js';
import { FiguresRepository } from '../../src/service-callbacks/reporting/figures.repository.js';
import { ProcessesRepository } from '../../src/service-callbacks/reporting/processes.repository.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startForwarder, type Forwarder } from '../support/faults/forwarder.js';
import { ManualClock } from '../support/manual-clock.js';
import { captureNestLogs, type NestLogLine } from '../support/nest-logs.js';
import { query } from '../support/sql.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function aCallback(overrides: Partial<Callback> = {}): Callback {
  return {
    id: randomUUID(),
    serviceId: 'a-service',
    endpointId: 'an-endpoint',
    callbackType: 'delivery_status',
    subjectId: 'a-subject',
    url: 'https://a.example/',
    queuedAt: NOON,
    generation: 0,
    attempts: 0,
    earlierAttempts: 0,
    ...overrides,
  };
}

function anOutcome(statusCode: number, durationMs = 5): DeliveryOutcome {
  if (statusCode < 300) return { kind: 'delivered', statusCode, durationMs };
  return { kind: 'retryable', failure: { statusCode }, durationMs };
}

function figuresOf(clock: ManualClock) {
  const metrics = new CallbackMetrics(new CallbackTypeRegistry([]));
  const figures = new Figures(clock, metrics);
  const dropped = async (): Promise<number | undefined> => {
    const metric = await metrics.registry.getSingleMetric('service_callback_figures_dropped_total')?.get();
    return metric?.values[0]?.value;
  };
  return { figures, dropped };
}

describe('the figures', () => {
  const clock = new ManualClock(NOON);
  let database: TestDatabase;
  let dataSource: DataSource;
  let writer: FigureWriter;
  let read: FiguresRepository;
  let serviceId: string;
  let endpointId: string;

  beforeAll(async () => {
    captureNestLogs();
    database = await createTestDatabase();
    dataSource = await openDataSource({ url: database.url, poolSize: 4 });
    writer = new FigureWriter(dataSource);
    read = new FiguresRepository(dataSource);
  });

  beforeEach(() => {
    clock.time = NOON;
    [serviceId, endpointId] = [randomUUID(), randomUUID()];
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const since = new Date(NOON - DAY_MS);
  const mine = (overrides: Partial<Callback> = {}) => aCallback({ serviceId, endpointId, ...overrides });

  it('of several processes add up', async () => {
    const batches = [1, 2, 3].map((failures) => {
      const { figures } = figuresOf(clock);
      for (let count = 0; count < failures; count += 1) figures.attempted(mine(), NOON + 20, anOutcome(500));
      figures.attempted(mine(), NOON + 10 ** failures, anOutcome(200, 100));
      figures.delivered(mine());
      return figures.take();
    });
    expect(await Promise.all(batches.map((batch) => writer.write(batch)))).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'written' })),
    );
    const outcomes = { at: new Date(NOON), delivered: 3, failed: 6, deferred: 0, given_up: 0 };
    expect(await read.minutes({ serviceId }, since)).toEqual([outcomes]);
    expect(await read.hours({ serviceId }, since, endpointId)).toEqual([outcomes]);
    const sum = (histogram: readonly number[]) => histogram.reduce((total, count) => total + count, 0);
    expect(sum(await read.forwardHistogram({ serviceId }, since))).toBe(9);
    expect(sum(await read.durationHistogram({ serviceId }, since, endpointId))).toBe(9);
    expect(await read.minutes({ serviceId: randomUUID() }, since)).toEqual([]);
  });

  it('count finished and deferred callbacks by minute and hour', async () => {
    const { figures } = figuresOf(clock);
    figures.deferred(mine());
    clock.time = NOON + 61_000;
    figures.deferred(mine());
    figures.gaveUp(mine());
    figures.gaveUp({ id: randomUUID(), serviceId });
    figures.gaveUp({ id: randomUUID() });
    clock.time = NOON + HOUR_MS;
    figures.delivered(mine());
    await writer.write(figures.take());
    const minutes = await read.minutes({ serviceId }, since);
    expect(minutes.toSorted((one, other) => one.at.getTime() - other.at.getTime())).toEqual([
      { at: new Date(NOON), delivered: 0, failed: 0, deferred: 1, given_up: 0 },
      { at: new Date(NOON + 60_000), delivered: 0, failed: 0, deferred: 1, given_up: 2 },
      { at: new Date(NOON + HOUR_MS), delivered: 1, failed: 0, deferred: 0, given_up: 0 },
    ]);
    const hours = await read.hours({ serviceId }, since, endpointId);
    expect(hours.toSorted((one, other) => one.at.getTime() - other.at.getTime())).toEqual([
      { at: new Date(NOON), delivered: 0, failed: 0, deferred: 2, given_up: 1 },
      { at: new Date(NOON + HOUR_MS), delivered: 1, failed: 0, deferred: 0, given_up: 0 },
    ]);
  });

  it('measure how late first attempts start, and only these', async () => {
    const { figures } = figuresOf(clock);
    figures.attempted(mine(), NOON + 20, anOutcome(500));
    figures.attempted(mine({ attempts: 1 }), NOON + 60_020, anOutcome(500));
    figures.attempted(mine({ generation: 1 }), NOON + 30, anOutcome(200));
    await writer.write(figures.take());
    const histogram = await read.forwardHistogram({ serviceId }, since);
    expect(histogram.reduce((total, count) => total + count, 0)).toBe(1);
  });

  it('are removed once they are old', async () => {
    for (const daysAgo of [3, 1, 0]) {
      clock.time = NOON - daysAgo * DAY_MS;
      const { figures } = figuresOf(clock);
      figures.delivered(mine());
      await writer.write(figures.take());
    }
    await read.prune(new Date(NOON - HOUR_MS), new Date(NOON - 2 * DAY_MS));
    const ages = async (rows: Promise<{ at: Date }[]>) =>
      (await rows).map(({ at }) => at.getTime()).toSorted((a, b) => a - b);
    const ever = new Date(0);
    expect(await ages(read.minutes({ serviceId }, ever))).toEqual([NOON]);
    expect(await ages(read.hours({ serviceId }, ever, endpointId))).toEqual([NOON - DAY_MS, NOON]);
  });

  it('are dropped together if the database rejects one', async () => {
    const { figures } = figuresOf(clock);
    figures.delivered(mine());
    const batch = figures.take();
    const [minute] = batch.minutes;
    if (!minute) throw new Error('there is a minute');
    const refused = { ...batch, minutes: [minute, { ...minute, id: 'another', at: Number.NaN }] };
    expect(await writer.write(refused)).toMatchObject({ kind: 'refused' });
    expect(await read.minutes({ serviceId }, since)).toEqual([]);
  });

  it('accept ids with characters that PostgreSQL cannot store', async () => {
    const { figures } = figuresOf(clock);
    figures.delivered(mine({ serviceId: `\0\ud800${serviceId}` }));
    expect(await writer.write(figures.take())).toEqual({ kind: 'written' });
    expect(await read.minutes({ serviceId: `\ufffd${serviceId}` }, since)).toHaveLength(1);
  });

  describe('have the health of an endpoint,', () => {
    beforeEach(() =>
      query(
        database.url,
        `INSERT INTO service_callback_apis (id, service_id, callback_type, url, bearer_token, updated_by_id, created_at)
         VALUES ($1, $2, 'delivery_status', 'https://a.example/', '', 'somebody', now())`,
        [endpointId, serviceId],
      ),
    );

    const at = (second: number) => NOON + second * 1_000;

    /** One flush: a status a second, from the given second on. */
    async function flush(second: number, ...statuses: number[]): Promise<void> {
      const { figures } = figuresOf(clock);
      statuses.forEach((status, index) => figures.attempted(mine(), at(second + index), anOutcome(status)));
      await writer.write(figures.take());
    }

    const health = () => new EndpointsRepository(dataSource).health('all', endpointId);

    it('which is unknown at first', async () => {
      expect(await health()).toMatchObject({
        failingSince: null,
        attemptsSinceSuccess: 0,
        lastFailure: null,
      });
    });

    it('failing since the first failure after a success', async () => {
      await flush(0, 200, 503, 500);
      await flush(10, 502);
      expect(await health()).toMatchObject({
        lastSuccessAt: new Date(at(0)),
        lastFailureAt: new Date(at(10)),
        lastFailure: '502',
        failingSince: new Date(at(1)),
        attemptsSinceSuccess: 3,
      });
    });

    it('working after one success, and failing again after it', async () => {
      await flush(0, 503, 503);
      await flush(10, 200);
      expect(await health()).toMatchObject({
        failingSince: null,
        attemptsSinceSuccess: 0,
        lastFailure: '503',
      });
      await flush(20, 500, 200, 501);
      expect(await health()).toMatchObject({
        failingSince: new Date(at(22)),
        attemptsSinceSuccess: 1,
        lastFailure: '501',
      });
    });

    it('unchanged by a failure or a success that is reported late', async () => {
      await flush(10, 200);
      await flush(5, 503);
      expect(await health()).toMatchObject({ failingSince: null, attemptsSinceSuccess: 0 });
      await flush(20, 503);
      await flush(12, 200);
      expect(await health()).toMatchObject({
        failingSince: new Date(at(20)),
        attemptsSinceSuccess: 1,
        lastSuccessAt: new Date(at(12)),
      });
    });

    it.each([
      ['failing', 503, 200],
      ['working', 200, 503],
    ])('unchanged by replays while it is %s', async (_, before, replayed) => {
      await flush(0, before);
      const known = await health();
      const { figures } = figuresOf(clock);
      figures.attempted(mine({ generation: 1 }), at(10), anOutcome(replayed));
      await writer.write(figures.take());
      expect(await health()).toEqual(known);
    });
  });

  it('have the processes with a recent heartbeat', async () => {
    const processes = new ProcessesRepository(dataSource);
    const report = (id: string, inFlight: number, now: number) =>
      processes.report({ id, label: 'a host', inFlight, dropped: 2 }, now);
    const [one, other] = [randomUUID(), randomUUID()];
    await report(one, 3, NOON);
    await report(one, 5, NOON + 5_000);
    await report(other, 7, NOON + 6_000);
    expect(await processes.sums(NOON + 7_000)).toEqual({ processes: 2, inFlight: 12, dropped: 4 });
    expect(await processes.sums(NOON + 35_500)).toEqual({ processes: 1, inFlight: 7, dropped: 2 });
    await processes.forget(other);
    expect(await processes.sums(NOON + 7_000)).toEqual({ processes: 1, inFlight: 5, dropped: 2 });
    await report(other, 1, NOON + 60_000);
    expect(await query(database.url, 'SELECT id FROM service_callback_processes')).toEqual([{ id: other }]);
  });
});

describe('while the database does not respond, the figures', () => {
  const clock = new ManualClock(NOON);
  let database: TestDatabase;
  let dataSource: DataSource;
  let forwarder: Forwarder;
  let databasePort: number;
  let logs: NestLogLine[];
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    const route = new URL(database.url);
    databasePort = Number(route.port);
    forwarder = await startForwarder(databasePort);
    route.port = String(forwarder.port);
    dataSource = await openDataSource({ url: route.href, poolSize: 2 });
  });

  beforeEach(() => {
    logs = captureNestLogs();
  });

  afterEach(async () => {
    await forwarder.up(databasePort);
    for (const stop of stops.splice(0)) await stop();
  });

  afterAll(async () => {
    await dataSource.destroy();
    await forwarder.down();
    await database.drop();
  });

  function start() {
    const { figures, dropped } = figuresOf(clock);
    const flusher = new FigureFlusher(figures, new FigureWriter(dataSource));
    flusher.onApplicationBootstrap();
    stops.push(() => flusher.beforeApplicationShutdown());
    return { figures, dropped, flusher };
  }

  const written = async (serviceId: string) =>
    (
      await query<{ n: number | null }>(
        database.url,
        'SELECT sum(delivered)::int AS n FROM service_callback_minutes WHERE service_id = $1',
        [serviceId],
      )
    )[0]?.n;

  it('wait, delay no delivery, log that once, and are complete afterwards', async () => {
    const { figures, dropped } = start();
    const serviceId = randomUUID();
    await forwarder.down();
    const startedAt = performance.now();
    for (let count = 0; count < 12_300; count += 1) figures.delivered(aCallback({ serviceId }));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await eventually(async () => expect(logs.map(({ event }) => event)).toEqual(['figures.waiting']));
    for (let count = 0; count < 700; count += 1) figures.delivered(aCallback({ serviceId }));
    await forwarder.up(databasePort);
    await eventually(async () => expect(await written(serviceId)).toBe(13_000), 20_000);
    expect(await dropped()).toBe(0);
    expect(logs.map(({ event }) => event)).toEqual(['figures.waiting']);
  });

  it('are bounded: figures of further services are dropped and counted', async () => {
    const { figures, dropped } = start();
    await forwarder.down();
    // The first flush takes the figures so far; later ones wait.
    figures.delivered(aCallback({ serviceId: randomUUID(), endpointId: randomUUID() }));
    await eventually(async () => expect(logs).toHaveLength(1));
    const extra = 300;
    for (let count = 0; count < 10_000 + extra; count += 1)
      figures.delivered(aCallback({ serviceId: `s-${count}`, endpointId: `e-${count}` }));
    // By the minute and by the hour.
    expect(figures.dropped).toBe(2 * extra);
    expect(await dropped()).toBe(2 * extra);
    await forwarder.up(databasePort);
    await eventually(async () => expect(await written('s-9999')).toBe(1), 20_000);
  });

  it('that are recorded during a write are written at a stop', async () => {
    const { figures, flusher } = start();
    const serviceId = randomUUID();
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query('BEGIN; LOCK TABLE service_callback_minutes');
    figures.delivered(aCallback({ serviceId }));
    await eventually(async () => {
      const waiting = 'SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass';
      expect(await query(database.url, waiting, ['service_callback_minutes'])).toHaveLength(1);
    });
    figures.delivered(aCallback({ serviceId }));
    const stopped = flusher.beforeApplicationShutdown();
    await other.query('COMMIT');
    await other.end();
    await stopped;
    expect(await written(serviceId)).toBe(2);
  });

  it('are written at a stop if it responds, and not awaited if it does not', async () => {
    const { figures, flusher } = start();
    const serviceId = randomUUID();
    figures.delivered(aCallback({ serviceId }));
    await flusher.beforeApplicationShutdown();
    expect(await written(serviceId)).toBe(1);

    const other = start();
    await forwarder.down();
    other.figures.delivered(aCallback({ serviceId }));
    const startedAt = performance.now();
    await other.flusher.beforeApplicationShutdown();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
