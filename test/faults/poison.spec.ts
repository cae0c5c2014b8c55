import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { payloadBinding } from '../../src/service-callbacks/callbacks/callback.js';
import { CallbackRepository } from '../../src/service-callbacks/callbacks/callback.repository.js';
import { MAIN_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { givenUpRows } from '../support/given-up.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS } from '../support/faults/variant.js';
import { testedBackend } from '../support/queue-backend.js';
import { allFinished, queueOf } from '../support/queue-state.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { query } from '../support/sql.js';

const FIVE_MEGABYTES = 5 * 1024 * 1024;

/** A job of an earlier release with an invalid payload. */
function jobWith(document: string, id: string, type = 'delivery_status') {
  return {
    v: 1,
    callback_id: id,
    service_id: randomUUID(),
    callback_type: type,
    callback_api_id: randomUUID(),
    subject_id: randomUUID(),
    queued_at: Date.now(),
    generation: 0,
    attempts: [],
    document,
  };
}

describe('a poisoned', () => {
  let bench: Bench;

  beforeAll(async () => {
    // No job may stall here, even if the machine is stopped for a while: a stall would start a job twice.
    bench = await startBench({ role: 'all', environment: { QUEUE_LOCK_DURATION_MS: '60000' } });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  const seal = (text: string, id: string) =>
    bench.api.app.get(PayloadCipher).encrypt(text, payloadBinding(id));
  const foreignCipher = new PayloadCipher([`test:${Buffer.alloc(32, 9).toString('base64')}`]);

  const poisonedJobs: readonly (readonly [string, (id: string) => unknown])[] = [
    ['of no shape', () => ['surprise']],
    ['of a wrong key', (id) => jobWith(foreignCipher.encrypt('{}', payloadBinding(id)), id)],
    ['truncated', (id) => jobWith(seal('{"url":"http://127.0.0.1"}', id).slice(0, 40), id)],
    ['of 5 MB', (id) => jobWith('x'.repeat(FIVE_MEGABYTES), id)],
    ['moved from another callback', (id) => jobWith(seal('{}', randomUUID()), id)],
    ['whose document is no JSON', (id) => jobWith(seal('{"url":', id), id)],
    ['of an unknown type', () => ({ notification_id: randomUUID(), service_id: randomUUID() })],
    ['that claims to be a batch', () => ({ v: 2, callbacks: 'surprise' })],
  ];

  /** What stands in the record, sealed, for a callback that is to be sent. */
  const poisonedPayloads: readonly (readonly [string, (id: string) => string | null])[] = [
    ['of a wrong key', (id) => foreignCipher.encrypt('{}', payloadBinding(id))],
    ['truncated', (id) => seal('{"id":"truncated"}', id).slice(0, 40)],
    ['of 5 MB', () => 'x'.repeat(FIVE_MEGABYTES)],
    ['moved from another callback', () => seal('{}', randomUUID())],
    ['missing', () => null],
  ];

  /**
   * Adds the poison while other callbacks are delivered.
   * @returns what was logged and kept
   */
  async function expectUnreadable(path: string, count: number, add: () => Promise<void>): Promise<void> {
    const before = (await givenUpRows(bench.databaseUrl)).length;
    const load = await startLoad(bench.api, bench.receiver, { path });
    await load.more(5);
    await add();
    await bench.api.logs.waitFor('callback.unreadable', {}, { count: before + count });
    await load.more(5);
    await load.stop();
    const report = await load.report(`${count} of them poisoned, ${path}`);
    expect({ lost: report.lost, repeated: report.repeated }).toEqual({ lost: [], repeated: 0 });
    await allFinished(bench.api);
    const givenUp = (await givenUpRows(bench.databaseUrl)).slice(before);
    expect(givenUp.map(({ reason }) => reason)).toEqual(givenUp.map(() => 'unreadable'));
    expect(givenUp).toHaveLength(count);
    for (const { detail } of givenUp) expect(detail).toEqual(expect.stringMatching(/^.{5,500}$/));
    const named = bench.api.logs.events('callback.unreadable').filter((line) => line['error'] !== undefined);
    expect(bench.api.logs.errors()).toEqual(named);
    expect(named).toHaveLength(before + count);
  }

  it(
    'job fails once, is kept and is logged; the others do not wait',
    async () => {
      const queue = queueOf(bench.api, MAIN_QUEUE);
      const added = poisonedJobs.length + (testedBackend() === 'redis' ? 1 : 0);
      await expectUnreadable('/beside-jobs', added, async () => {
        await queue.addBulk(
          poisonedJobs.map(([name, make]) => {
            const id = randomUUID();
            const jobName = name.includes('unknown type') ? 'unheard_of' : 'delivery_status';
            // No batch has such an id.
            const jobId = name.includes('batch') ? `poison-${id}` : id;
            return { name: jobName, data: make(id), opts: { jobId } };
          }),
        );
        if (testedBackend() === 'redis') await addWhatIsNotJson();
      });
      expect(bench.api.logs.events('job.postponed')).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'record is given up once, is logged, and does not harm its batch',
    async () => {
      const callbacks = bench.api.app.get(CallbackRepository);
      const api = await registerCallbackApi(bench.api, { url: bench.receiver.url('/poisoned') });
      await expectUnreadable('/beside-records', poisonedPayloads.length, async () => {
        for (const [, make] of poisonedPayloads) {
          const id = randomUUID();
          await callbacks.record({
            id,
            service_id: api.serviceId,
            endpoint_id: api.id,
            callback_type: 'delivery_status',
            subject_id: randomUUID(),
            url: api.url,
            state: 'pending',
            reason: null,
            detail: null,
            generation: 0,
            attempts: [],
            earlier_attempts: 0,
            queued_at: Date.now(),
            trace: null,
            payload: make(id),
          });
        }
      });
      expect(bench.receiver.requests.filter(({ path }) => path === '/poisoned')).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'token of an endpoint gives up only the callbacks of that endpoint',
    async () => {
      const api = await registerCallbackApi(bench.api, { url: bench.receiver.url('/sealed-wrongly') });
      const wrong = foreignCipher.encrypt('token', 'elsewhere');
      await query(
        bench.databaseUrl,
        `UPDATE service_callback_apis SET bearer_token = '${wrong}' WHERE id = '${api.id}'`,
      );
      await expectUnreadable('/beside-tokens', 1, async () => {
        await causeCallback(bench.api, api.serviceId);
      });
      expect(bench.receiver.requests.filter(({ path }) => path === '/sealed-wrongly')).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  it('job that PostgreSQL’s own queue could not even hold is refused when it is added', async () => {
    if (testedBackend() === 'redis') return;
    const broken = bench.api.app
      .get(DataSource)
      .query(`INSERT INTO bullmq.job (queue, id, data) VALUES ('q', '1', '{"not json')`);
    await expect(broken).rejects.toThrow(/json/);
  });

  /** Inserted by hand, because BullMQ adds only JSON. */
  async function addWhatIsNotJson(): Promise<void> {
    const queue = queueOf(bench.api, MAIN_QUEUE);
    const redis = (await queue.backend.client) as unknown as Redis;
    await queue.add('delivery_status', {}, { jobId: 'not-json', delay: 86_400_000 });
    await redis.hset(queue.toKey('not-json'), 'data', '{"truncated":');
    await queue.backend.promote('not-json');
  }
});
