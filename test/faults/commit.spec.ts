import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource, type EntityManager } from 'typeorm';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from '../support/builders/a-notification.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS } from '../support/faults/variant.js';
import { nothingStands } from '../support/queue-state.js';
import { registerCallbackApi } from '../support/scenario.js';
import { testedBackend } from '../support/queue-backend.js';

describe('between the caller’s transaction and the queue', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench({ ownStores: testedBackend() === 'redis' });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  it(
    'a commit that fails, or is never made after the producer was called, sends no callback, ever',
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
      await nothingStands(bench.api);
      expect(await dataSource.query('SELECT 1 FROM service_callback_outbox')).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'a process killed after the commit, before the hand-over: the callback arrives after the restart',
    async () => {
      const [doomed] = await bench.processes(1, { PROCESS_ROLE: 'api' });
      if (!doomed) throw new Error('One process was started.');
      // What makes the moment between the two long enough to be hit, wherever there is one.
      await bench.redis?.kill('SIGKILL');
      const load = await startLoad(doomed, bench.receiver, { path: '/restarted' });
      await load.more(10);
      await doomed.kill();
      await load.stop();
      expect(bench.receiver.requests.filter(({ path }) => path === '/restarted')).toEqual([]);
      await bench.redis?.start();
      await bench.processes(1);
      const report = await load.report('SIGKILL between commit and hand-over');
      expect({ lost: report.lost, repeated: report.repeated }).toEqual({ lost: [], repeated: 0 });
      expect(bench.receiver.requests.filter(({ path }) => path === '/never')).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );
});
