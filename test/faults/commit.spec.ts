import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource, type EntityManager } from 'typeorm';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS } from '../support/faults/variant.js';
import { allFinished } from '../support/queue-state.js';
import { registerCallbackApi } from '../support/scenario.js';
import { testedBackend } from '../support/queue-backend.js';

const DIES_AT_ADD = join(import.meta.dirname, '..', 'support', 'faults', 'dies-at-add.mjs');
/** A sweep finds batches that are over 10 s old, and runs every 10 s; 2 s more are for a busy machine. */
const MARKED_FOR_MS = 20_000 + 2_000;

describe('between the caller’s transaction and the queue', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench({ ownStores: testedBackend() === 'redis' });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  it(
    'a transaction that fails or never commits sends no callback',
    async () => {
      const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url('/never') });
      const producer = bench.api.app.get(ServiceCallbacksProducer);
      const dataSource = bench.api.app.get(DataSource);
      await dataSource.query(`CREATE TABLE host_row (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)`);
      const send = (manager: EntityManager) =>
        producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
      const thrownAfter = dataSource.transaction(async (manager) => {
        expect(await send(manager)).toMatchObject({ queued: true });
        throw new Error('the host changed its mind');
      });
      await expect(thrownAfter).rejects.toThrow('changed its mind');
      const failsAtCommit = dataSource.transaction(async (manager) => {
        expect(await send(manager)).toMatchObject({ queued: true });
        await manager.query('INSERT INTO host_row VALUES (1), (1)');
      });
      await expect(failsAtCommit).rejects.toThrow(/duplicate key/);
      await allFinished(bench.api);
      for (const table of ['service_callbacks', 'service_callback_payloads', 'service_callback_news'])
        expect(await dataSource.query(`SELECT 1 FROM ${table}`)).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'a process killed after the commit, before the mark: the callback arrives after the restart',
    async () => {
      const [doomed] = await bench.processes(1, { PROCESS_ROLE: 'api' });
      if (!doomed) throw new Error('One process was started.');
      // With the queue on Redis, the relay now marks nothing: the process is killed between commit and mark.
      await bench.redis?.kill('SIGKILL');
      const load = await startLoad(doomed, bench.receiver, { path: '/restarted' });
      await load.more(10);
      await doomed.kill();
      await load.stop();
      expect(bench.receiver.requests.filter(({ path }) => path === '/restarted')).toEqual([]);
      await bench.redis?.start();
      const [heir] = await bench.processes(1);
      const report = await load.report('SIGKILL between commit and hand-over');
      expect({ lost: report.lost, repeated: report.repeated }).toEqual({ lost: [], repeated: 0 });
      expect(bench.receiver.requests.filter(({ path }) => path === '/never')).toEqual([]);
      await allFinished(bench.api);
      await heir?.kill();
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'a process killed between the mark and the add: the callback arrives within twenty seconds',
    async () => {
      const [heir] = await bench.processes(1);
      const [doomed] = await bench.processes(1, { PROCESS_ROLE: 'api' }, [DIES_AT_ADD]);
      if (!doomed || !heir) throw new Error('Two processes were started.');
      const load = await startLoad(doomed, bench.receiver, { path: '/marked' });
      expect(await doomed.ended).toEqual({ code: null, signal: 'SIGKILL' });
      const killedAt = performance.now();
      await load.stop();
      expect(load.accepted.size).toBeGreaterThan(0);
      const report = await load.report('SIGKILL between mark and add', killedAt);
      expect(performance.now() - killedAt).toBeLessThan(MARKED_FOR_MS);
      expect({ lost: report.lost, repeated: report.repeated }).toEqual({ lost: [], repeated: 0 });
      // Either process may have found them.
      const found = [...bench.api.logs.events('batch.found'), ...heir.logs.events('batch.found')];
      expect(found).not.toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );
});
