import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';
import { createNotification, registerCallbackApi, sendReceipt } from '../support/scenario.js';

/** The pools of each of two processes; both use all connections that they get. */
const WANTED = { DATABASE_POOL_SIZE: '100', QUEUE_POOL_SIZE: '50' };
const GIVEN = 20;
/** Callbacks that are caused at the same moment, again and again. */
const BURST = 150;

describe(`300 connections wanted of a PostgreSQL that gives ${GIVEN}`, () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench({
      ownStores: true,
      postgresSettings: { max_connections: `${GIVEN}` },
      environment: WANTED,
    });
    await bench.processes(1);
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  it(
    'no crash and no loss: some requests get an error within seconds, the others succeed',
    async () => {
      const load = await startLoad(bench.api, bench.receiver, { path: '/crowded', maxWaitMs: 90_000 });
      // A service of its own, so that it does not count in the load.
      const crowd = await registerCallbackApi(bench.api, { url: bench.receiver.url('/crowd') });
      const refusals: string[] = [];
      for (let burst = 0; burst < inFull(20, 2); burst += 1) {
        const begun = performance.now();
        await Promise.all(
          Array.from({ length: BURST }, async () => {
            try {
              const { id } = await createNotification(bench.api, crowd.serviceId);
              await sendReceipt(bench.api, id);
            } catch (error) {
              refusals.push(String(error));
            }
          }),
        );
        expect(performance.now() - begun).toBeLessThan(45_000);
      }
      await load.more(10);
      await load.stop();
      const report = await load.report(`${GIVEN} connections for ${BURST} callers at once`);
      expect(report.lost).toEqual([]);
      for (const refusal of refusals) expect(refusal).toMatch(/got 50\d/);
      expect((await bench.api.call('GET', '/health/live')).status).toBe(200);
    },
    FAULT_TIMEOUT_MS,
  );
});
