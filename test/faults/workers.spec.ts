import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deliveryStatus } from '../../src/service-callbacks/callback-types/delivery-status.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { barrier } from '../support/barrier.js';
import { aNotification } from '../support/builders/a-notification.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { eventually } from '../support/eventually.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import type { ServiceProcess } from '../support/faults/service-process.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';
import { allFinished } from '../support/queue-state.js';
import { delay, status } from '../support/receiver.js';
import { registerCallbackApi } from '../support/scenario.js';

const KILLS = inFull(10, 2);
/** The most attempts that a worker has in flight when it is killed. */
const CONCURRENCY = 25;
const LATENCY_MS = 150;
/** Responses of the last moments may be missing in the record: those within this time, ms. */
const SETTLED_MS = 250;
/** Longer than a lock and the interval of the check for stalled jobs, ms. */
const PAST_ITS_LOCK_MS = 6_000;
const IN_FLIGHT = inFull(500, 200);
/** Long, because hundreds of attempts begin at once on a machine that may be busy. */
const DEADLINE_MS = 30_000;
const SHORT_DEADLINE_MS = 5_000;
const WAITING = 60;
/** Three chunks of a replay of many. */
const REPLAYED = 30;

describe('the end of a worker', () => {
  let bench: Bench;
  let workers: ServiceProcess[];

  beforeAll(async () => {
    bench = await startBench({ environment: { CALLBACK_REPLAY_RATE: '10' } });
    workers = await bench.processes(4, { CALLBACK_CONCURRENCY: `${CONCURRENCY}` });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  it(
    `killed ${KILLS} times at random moments: all arrive, and only those in flight or just delivered repeat`,
    async () => {
      bench.receiver.respond('/killed', delay(LATENCY_MS));
      const load = await startLoad(bench.api, bench.receiver, { path: '/killed' });
      let killedAt = 0;
      let mayRepeat = 0;
      for (let kill = 0; kill < KILLS; kill += 1) {
        await load.more(10);
        await sleep(randomInt(200));
        await workers.shift()?.kill();
        killedAt = performance.now();
        const unsettled = killedAt - LATENCY_MS - SETTLED_MS;
        mayRepeat += bench.receiver.requests.filter(
          ({ path, at }) => path === '/killed' && at > unsettled,
        ).length;
        if (workers.length < 2)
          workers.push(...(await bench.processes(1, { CALLBACK_CONCURRENCY: `${CONCURRENCY}` })));
      }
      await load.more(10);
      await load.stop();
      const report = await load.report(`${KILLS} × SIGKILL of a worker`, killedAt);
      expect(report.lost).toEqual([]);
      expect(report.repeated).toBeLessThanOrEqual(mayRepeat);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'stopped for longer than its lock, then continued: none is lost, and some repeat with the same id',
    async () => {
      bench.receiver.respond('/stopped', delay(LATENCY_MS));
      const load = await startLoad(bench.api, bench.receiver, { path: '/stopped' });
      await load.more(20);
      const [stopped] = workers;
      stopped?.signal('SIGSTOP');
      await sleep(PAST_ITS_LOCK_MS);
      stopped?.signal('SIGCONT');
      const continuedAt = performance.now();
      await load.more(20);
      await load.stop();
      const report = await load.report('SIGSTOP of a worker past its lock', continuedAt);
      expect(report.lost).toEqual([]);
      expect(report.repeated).toBeLessThanOrEqual(CONCURRENCY);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    `SIGTERM with ${IN_FLIGHT} attempts in flight: exit 0 in time, none lost, none repeated`,
    async () => {
      // Otherwise jobs of the earlier tests that are delivered, and not yet completed, would return later.
      await allFinished(bench.api);
      await Promise.all(workers.map((worker) => worker.kill()));
      const gate = barrier(IN_FLIGHT, 500, status(200));
      bench.receiver.respond('/draining', gate.behaviour);
      const producer = bench.api.app.get(ServiceCallbacksProducer);
      // Many endpoints, so that none exceeds its share of attempts in flight.
      for (let service = 0; service < IN_FLIGHT / 5; service += 1) {
        const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url('/draining') });
        const notifications = Array.from({ length: 5 }, () => aNotification({ serviceId }));
        await Promise.all(notifications.map((notification) => producer.sendDeliveryStatus(notification)));
      }
      const [worker] = await bench.processes(1, {
        CALLBACK_CONCURRENCY: `${4 * IN_FLIGHT}`,
        CALLBACK_TIMEOUT_MS: `${DEADLINE_MS}`,
        QUEUE_LOCK_DURATION_MS: '30000',
      });
      await gate.full;
      const signalled = performance.now();
      worker?.signal('SIGTERM');
      expect(await worker?.ended).toEqual({ code: 0, signal: null });
      // The attempts' own deadline bounds it.
      expect(performance.now() - signalled).toBeLessThan(DEADLINE_MS + 10_000);
      await allFinished(bench.api);
      const ids = bench.receiver.requests
        .filter(({ path }) => path === '/draining')
        .map(({ headers }) => headers['webhook-id']);
      expect({ requests: ids.length, callbacks: new Set(ids).size }).toEqual({
        requests: IN_FLIGHT,
        callbacks: IN_FLIGHT,
      });
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'SIGTERM while callbacks wait for a permit: exit 0 within the deadline, no new attempt, and all continue elsewhere',
    async () => {
      bench.receiver.respond('/waiting', delay(1_500));
      const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url('/waiting') });
      const [worker] = await bench.processes(1, {
        CALLBACK_ENDPOINT_CONCURRENCY: '1',
        CALLBACK_TIMEOUT_MS: `${SHORT_DEADLINE_MS}`,
      });
      const news = Array.from({ length: WAITING }, () => aNotification({ serviceId }));
      await bench.api.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
      const sent = () => bench.receiver.requests.filter(({ path }) => path === '/waiting');
      await bench.receiver.waitForRequests(2, { path: '/waiting' });
      const signalled = performance.now();
      worker?.signal('SIGTERM');
      expect(await worker?.ended).toEqual({ code: 0, signal: null });
      expect(performance.now() - signalled).toBeLessThan(SHORT_DEADLINE_MS + 2_000);
      // One that was admitted just before may arrive just after.
      expect(sent().length).toBeLessThanOrEqual(3);
      bench.receiver.respond('/waiting', status(200));
      const [heir] = await bench.processes(1);
      await bench.receiver.waitForRequests(WAITING, { path: '/waiting', timeoutMs: FAULT_TIMEOUT_MS / 4 });
      await allFinished(bench.api);
      await heir?.kill();
      const ids = sent().map(({ headers }) => headers['webhook-id']);
      expect({ requests: ids.length, callbacks: new Set(ids).size }).toEqual({
        requests: WAITING,
        callbacks: WAITING,
      });
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'killed during a replay of many: other processes continue it, and each callback arrives',
    async () => {
      bench.receiver.respond('/replayed', 404);
      const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url('/replayed') });
      const [first] = await bench.processes(1);
      const news = Array.from({ length: REPLAYED }, () => aNotification({ serviceId }));
      await bench.api.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
      await bench.receiver.waitForRequests(REPLAYED, { path: '/replayed' });
      await allFinished(bench.api);
      bench.receiver.respond('/replayed', 200);
      const { body } = await deadLettersOf(bench.api, serviceId).replayAll({});
      expect(body).toMatchObject({ data: { count: REPLAYED } });
      await bench.receiver.waitForRequests(REPLAYED + 1, { path: '/replayed' });
      await first?.kill();
      const [second] = await bench.processes(1);
      const replays = () => {
        const sent = bench.receiver.requests.filter(({ path }) => path === '/replayed').slice(REPLAYED);
        return new Set(sent.map(({ headers }) => headers['webhook-id']));
      };
      await eventually(async () => expect(replays().size).toBe(REPLAYED), FAULT_TIMEOUT_MS / 4);
      await allFinished(bench.api);
      expect((await deadLettersOf(bench.api, serviceId).list()).body.data).toEqual([]);
      await second?.kill();
    },
    FAULT_TIMEOUT_MS,
  );
});
