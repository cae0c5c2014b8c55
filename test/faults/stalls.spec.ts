import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deliveryStatus } from '../../src/service-callbacks/callback-types/delivery-status.js';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import type { BatchJobData } from '../../src/service-callbacks/queues/batch-job.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { aNotification } from '../support/builders/a-notification.js';
import { givenUpRows } from '../support/given-up.js';
import { eventually } from '../support/eventually.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { FAULT_TIMEOUT_MS } from '../support/faults/variant.js';
import { allFinished, jobHistory, queuedJobs, queueOf } from '../support/queue-state.js';
import { delay } from '../support/receiver.js';
import { registerCallbackApi, sendCallbackTo } from '../support/scenario.js';
import { query } from '../support/sql.js';

/** A callback may cause this many deaths of a worker in a batch of its own, and two more in shared batches. */
const FORGIVEN = 5;
const MOST_DEATHS = FORGIVEN + 2;
const WAITING = 40;
const KILLS = 7;
const SUPPORT = join(import.meta.dirname, '..', 'support', 'faults');
const DIES_BEFORE_COMPLETING = join(SUPPORT, 'dies-before-completing.mjs');
const DIES_AT_ATTEMPT = join(SUPPORT, 'dies-at-attempt.mjs');
/** The workers die in quick succession, and their callbacks wait for one permit. */
const DYING = {
  QUEUE_LOCK_DURATION_MS: '1000',
  QUEUE_STALLED_INTERVAL_MS: '250',
  CALLBACK_ENDPOINT_CONCURRENCY: '1',
};
const DYING_AT_ATTEMPT = { ...DYING, CALLBACK_TRANSPORT: 'undici', DIES_AT: '/deadly' };

describe('a job whose worker dies', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench();
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  const sentTo = (path: string) =>
    bench.receiver.requests
      .filter((request) => request.path === path)
      .map(({ headers }) => String(headers['webhook-id']));

  it(
    'between the settlement and the end of the job: nothing is sent again',
    async () => {
      bench.receiver.respond('/settled', [503, 200]);
      const [dying] = await bench.processes(1, {}, [DIES_BEFORE_COMPLETING]);
      const { id } = await sendCallbackTo(bench.api, bench.receiver.url('/settled'));
      expect(await dying?.ended).toEqual({ code: null, signal: 'SIGKILL' });
      const left = (await queuedJobs(bench.api)).filter((job) => job.startsWith(`${MAIN_QUEUE} `));
      expect(left).toHaveLength(1);
      const [heir] = await bench.processes(1);
      await bench.receiver.waitForRequests(2, { path: '/settled', timeoutMs: FAULT_TIMEOUT_MS / 2 });
      await allFinished(bench.api);
      await heir?.kill();
      expect(sentTo('/settled')).toEqual([id, id]);
      expect(await givenUpRows(bench.databaseUrl)).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  /** Jobs that a worker has, also one that was killed and whose lock has not expired. */
  const activeJobs = async () => {
    const queues = [MAIN_QUEUE, RETRY_QUEUE].map((name) => queueOf(bench.api, name));
    return (await Promise.all(queues.map((queue) => queue.getJobs(['active'])))).flat();
  };

  it(
    `${KILLS} times, the only worker, while ${WAITING} wait for the one permit of their endpoint: none is given up, and all arrive`,
    async () => {
      bench.receiver.respond('/one-permit', delay(300));
      const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url('/one-permit') });
      const news = Array.from({ length: WAITING }, () => aNotification({ serviceId }));
      await bench.api.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
      const expectAllActive = async () => {
        const jobs = await activeJobs();
        const active = jobs.flatMap(({ data }) => (data as BatchJobData).callbacks.map(({ id }) => id));
        const open = await query<{ id: string }>(
          bench.databaseUrl,
          `SELECT id FROM service_callbacks WHERE service_id = $1 AND state <> 'delivered'`,
          [serviceId],
        );
        expect(active).toEqual(expect.arrayContaining(open.map(({ id }) => id)));
        return { jobs, waiting: open.length };
      };
      const dead: { readonly name: string; readonly id: string }[] = [];
      for (let kill = 0; kill < KILLS; kill += 1) {
        // A long deadline: an endpoint that is slow for it would not be waited for.
        const [worker] = await bench.processes(1, { ...DYING, CALLBACK_TIMEOUT_MS: '30000' });
        // Without a delivery in each life, the callback that is always sent first could be the cause of the deaths.
        await worker?.logs.waitFor('callback.delivered');
        await eventually(async () => void (await expectAllActive()));
        await worker?.kill();
        const { jobs, waiting } = await expectAllActive();
        expect(waiting).toBeGreaterThan(0);
        dead.push(...jobs.map(({ queueName: name, id = '' }) => ({ name, id })));
      }
      const [heir] = await bench.processes(1);
      await allFinished(bench.api, FAULT_TIMEOUT_MS / 4);
      await heir?.kill();
      for (const { name, id } of dead) expect(await jobHistory(bench.api, name, id)).toContain('stalled');
      expect(await givenUpRows(bench.databaseUrl)).toEqual([]);
      const sent = sentTo('/one-permit');
      expect(new Set(sent).size).toBe(WAITING);
      // The one in flight at a death, and the one before it if its result was not settled.
      expect(sent.length).toBeLessThanOrEqual(WAITING + 2 * KILLS);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    `because of one callback, each time, while ${WAITING} wait: only that one becomes a dead letter, as stalled`,
    async () => {
      const poison = await sendCallbackTo(bench.api, bench.receiver.url('/deadly'));
      const { serviceId } = await registerCallbackApi(bench.api, { url: bench.receiver.url('/behind') });
      bench.receiver.respond('/behind', delay(300));
      const news = Array.from({ length: WAITING }, () => aNotification({ serviceId }));
      await bench.api.app.get(ServiceCallbacksProducer).sendMany(deliveryStatus, news);
      const workers = await bench.processes(MOST_DEATHS + 1, DYING_AT_ATTEMPT, [DIES_AT_ATTEMPT]);
      const givenUp = workers.map(({ logs }) =>
        logs.waitFor('callback.stalled', {}, { timeoutMs: FAULT_TIMEOUT_MS / 2 }),
      );
      await Promise.any(givenUp);
      await eventually(async () => {
        expect(new Set(sentTo('/behind')).size).toBe(WAITING);
      }, FAULT_TIMEOUT_MS / 4);
      await allFinished(bench.api);
      const rows = await givenUpRows(bench.databaseUrl);
      expect(rows.map(({ id, reason, service_id }) => ({ id, reason, service_id }))).toEqual([
        { id: poison.id, reason: 'stalled', service_id: poison.serviceId },
      ]);
      expect(rows[0]?.payload).toEqual(expect.any(String));
      expect(sentTo('/deadly')).toEqual([]);
      const alive = await Promise.all(
        workers.map((worker) => worker.call('GET', '/health/live').then(succeeded, () => false)),
      );
      const deaths = alive.filter((isAlive) => !isAlive).length;
      expect(deaths).toBeGreaterThanOrEqual(FORGIVEN);
      expect(deaths).toBeLessThanOrEqual(MOST_DEATHS);
    },
    FAULT_TIMEOUT_MS,
  );
});

function succeeded({ status }: { readonly status: number }): boolean {
  return status === 200;
}
