import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { deliveryStatus } from '../../src/service-callbacks/callback-types/delivery-status.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { eventually } from '../support/eventually.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad, type FaultReport } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';
import { testedBackend } from '../support/queue-backend.js';
import { allFinished, queuedJobs } from '../support/queue-state.js';
import { delay, status } from '../support/receiver.js';
import { registerCallbackApi } from '../support/scenario.js';

const CONCURRENCY = 25;
/** Callbacks of several jobs; all jobs but the first wait in the queue when it is lost. */
const BACKLOG = 200;
const SLOW_MS = 1_000;
const LOSSES = inFull(5, 1);

(testedBackend() === 'redis' ? describe : describe.skip)('a queue that is lost under load', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench({
      ownStores: true,
      forgetfulRedis: true,
      role: 'all',
      environment: { CALLBACK_CONCURRENCY: `${CONCURRENCY}` },
    });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  /** Under load, and with many more that wait in the queue. @returns what came of the load. */
  async function reportOf(path: string, fault: string, lose: () => Promise<void>): Promise<FaultReport> {
    const backlogPath = `${path}-backlog`;
    const found = bench.api.logs.events('batch.found').length;
    const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url(backlogPath) });
    const load = await startLoad(bench.api, bench.receiver, { path });
    for (let loss = 0; loss < LOSSES; loss += 1) {
      bench.receiver.respond(backlogPath, delay(SLOW_MS));
      const news = Array.from({ length: BACKLOG }, () => aNotification({ serviceId }));
      await bench.api.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
      await eventually(async () => {
        expect((await queuedJobs(bench.api)).length).toBeGreaterThan(2);
      });
      await lose();
      bench.receiver.respond(backlogPath, status(200));
      await load.more(20);
    }
    await load.stop();
    await bench.api.logs.waitFor('batch.found', {}, { count: found + 1, timeoutMs: 30_000 });
    const report = await load.report(fault);
    await allFinished(bench.api);
    const arrived = bench.receiver.requests
      .filter((request) => request.path === backlogPath)
      .map(({ headers }) => headers['webhook-id']);
    expect(new Set(arrived).size).toBe(LOSSES * BACKLOG);
    expect(arrived.length).toBeLessThanOrEqual(LOSSES * (BACKLOG + 2 * CONCURRENCY));
    return report;
  }

  it(
    'Redis is flushed: its callbacks are found in the record, and arrive',
    async () => {
      const report = await reportOf('/flushed', 'FLUSHALL', async () => {
        const redis = new Redis(bench.redis?.url ?? '');
        await redis.flushall();
        redis.disconnect();
      });
      expect({ lost: report.lost, refused: report.refused }).toEqual({ lost: [], refused: 0 });
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'an empty Redis takes its place: its callbacks arrive too',
    async () => {
      const report = await reportOf('/replaced', 'Redis replaced by an empty one', async () => {
        await bench.redis?.kill('SIGKILL');
        await bench.redis?.start();
      });
      expect({ lost: report.lost, refused: report.refused }).toEqual({ lost: [], refused: 0 });
    },
    FAULT_TIMEOUT_MS,
  );
});
