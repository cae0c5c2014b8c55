import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deliveryStatus } from '../../src/service-callbacks/callback-types/delivery-status.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { eventually } from '../support/eventually.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad, type Load } from '../support/faults/load.js';
import type { ServiceProcess } from '../support/faults/service-process.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';
import { testedBackend } from '../support/queue-backend.js';
import { allFinished } from '../support/queue-state.js';
import { delay, status } from '../support/receiver.js';
import { registerCallbackApi } from '../support/scenario.js';
import { query } from '../support/sql.js';

const OUTAGE_MS = inFull(30_000, 4_000);
/** Delivery goes on by itself within this, ms. */
const GOES_ON_WITHIN_MS = 5_000;
const CONCURRENCY = 25;
const CRASHES = inFull(5, 2);
/** Enough for several seconds of delivery. */
const BACKLOG = 300;

/** A store of the test's own is killed, as a crash would, and started again under load. */
describe('an outage', () => {
  let bench: Bench;
  let worker: ServiceProcess;

  beforeAll(async () => {
    bench = await startBench({
      ownStores: true,
      environment: {
        CALLBACK_CONCURRENCY: `${CONCURRENCY}`,
        CALLBACK_CIRCUIT_FAILURES: '3',
        CALLBACK_CIRCUIT_OPEN_MS: '1000',
      },
    });
    [worker] = (await bench.processes(1)) as [ServiceProcess];
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  async function expectToGoOn(fault: string, load: Load, back: number): Promise<void> {
    await load.more(20);
    await load.stop();
    const report = await load.report(fault, back);
    expect(report.lost).toEqual([]);
    expect(report.repeated).toBeLessThanOrEqual(CONCURRENCY);
    expect(report.firstDeliveryMs).toBeLessThan(GOES_ON_WITHIN_MS);
    expect(worker.logs.events('callback.stalled')).toEqual([]);
  }

  const held = async (serviceId: string) => {
    const found = await query(
      bench.databaseUrl,
      `SELECT 1 FROM service_callbacks WHERE service_id = '${serviceId}' AND state = 'held'`,
    );
    return found.length;
  };

  it.each([0, OUTAGE_MS])(
    'of PostgreSQL, crashed and unavailable for %d ms: nothing is lost, and delivery continues by itself',
    async (ms) => {
      const path = `/postgres-${ms}`;
      bench.receiver.respond(path, delay(20));
      const load = await startLoad(bench.api, bench.receiver, { path });
      await load.more(20);
      await bench.postgres?.crash();
      await sleep(ms);
      await bench.postgres?.start();
      await expectToGoOn(`PostgreSQL unavailable for ${ms} ms`, load, performance.now());
      expect(load.accepted.size).toBeGreaterThanOrEqual(40);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'of PostgreSQL while callbacks are held: none is lost, and each is finished',
    async () => {
      bench.receiver.respond('/dead', [503]);
      const load = await startLoad(bench.api, bench.receiver, { path: '/dead' });
      for (let crash = 1; crash <= CRASHES; crash += 1) {
        const goal = (await held(load.serviceId)) + 20;
        await eventually(async () => {
          expect(await held(load.serviceId)).toBeGreaterThanOrEqual(goal);
        }, FAULT_TIMEOUT_MS / 2);
        await bench.postgres?.crash();
        await bench.postgres?.start();
      }
      await load.more(1);
      await load.stop();
      bench.receiver.respond('/dead', [200]);
      for (const id of load.accepted) await worker.logs.waitForEnd(id, { timeoutMs: FAULT_TIMEOUT_MS / 2 });
      expect(worker.logs.events('callback.stalled')).toEqual([]);
      const report = await load.report(`${CRASHES} crashes of PostgreSQL while callbacks are held`);
      expect(report.lost).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'of PostgreSQL while an endpoint rejects a callback: it is kept, without a second attempt',
    async () => {
      const gate = Promise.withResolvers<void>();
      bench.receiver.respond('/refuses', (exchange) => void gate.promise.then(() => status(404)(exchange)));
      const load = await startLoad(bench.api, bench.receiver, { path: '/refuses', everyMs: 200 });
      await load.more(2);
      await load.stop();
      await bench.receiver.waitForRequests(load.accepted.size, { path: '/refuses' });
      // Marks do not wait for the disk: a crash that loses one is another case.
      await query(bench.databaseUrl, 'CHECKPOINT');
      await bench.postgres?.crash();
      gate.resolve();
      await sleep(OUTAGE_MS);
      await bench.postgres?.start();
      await worker.logs.waitFor(
        'callback.not_retried',
        { service_id: load.serviceId },
        { count: load.accepted.size, timeoutMs: FAULT_TIMEOUT_MS / 2 },
      );
      const report = await load.report('PostgreSQL unavailable when dead letters were due');
      expect(report.lost).toEqual([]);
      expect(report.repeated).toBe(0);
    },
    FAULT_TIMEOUT_MS,
  );

  if (testedBackend() === 'redis') {
    it(
      'of PostgreSQL: callbacks in Redis are delivered meanwhile',
      async () => {
        // A result that waits for the database keeps its permit.
        const [roomy] = await bench.processes(1, { CALLBACK_CONCURRENCY: `${BACKLOG}` });
        bench.receiver.respond('/meanwhile', delay(500));
        // They fetch nothing before the crash.
        for (const process of [worker, roomy]) process?.signal('SIGSTOP');
        const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url('/meanwhile') });
        const producer = bench.api.app.get(ServiceCallbacksProducer);
        const news = Array.from({ length: BACKLOG }, () => aNotification({ serviceId }));
        await producer.sendMany(deliveryStatus, news);
        await eventually(async () => {
          const pending = `SELECT 1 FROM service_callbacks WHERE state = 'pending'`;
          expect(await query(bench.databaseUrl, pending)).toEqual([]);
        });
        await bench.postgres?.crash();
        for (const process of [worker, roomy]) process?.signal('SIGCONT');
        // More than the first worker has permits for.
        await bench.receiver.waitForRequests(CONCURRENCY + 1, { path: '/meanwhile', timeoutMs: 30_000 });
        await bench.postgres?.start();
        await bench.receiver.waitForRequests(BACKLOG, { path: '/meanwhile', timeoutMs: 60_000 });
        await allFinished(bench.api);
        await roomy?.kill();
      },
      FAULT_TIMEOUT_MS,
    );

    it.each([0, OUTAGE_MS])(
      'of Redis, killed and unavailable for %d ms: receipts are accepted throughout, and callbacks continue by themselves',
      async (ms) => {
        const path = `/redis-${ms}`;
        bench.receiver.respond(path, delay(20));
        const load = await startLoad(bench.api, bench.receiver, { path });
        await load.more(20);
        await bench.redis?.kill('SIGKILL');
        await load.more(20);
        expect((await worker.call('GET', '/health/ready')).status).toBe(503);
        expect((await bench.api.call('GET', '/health/ready')).status).toBe(200);
        await sleep(ms);
        await bench.redis?.start();
        const back = performance.now();
        await expectToGoOn(`Redis unavailable for ${ms} ms`, load, back);
      },
      FAULT_TIMEOUT_MS,
    );
  }
});
