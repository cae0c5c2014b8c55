import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { MAIN_QUEUE } from '../../src/queues/queue-names.js';
import { documentBinding } from '../../src/service-callbacks/delivery/callback-job.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { deadLetters } from '../support/dead-letters.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS } from '../support/faults/variant.js';
import { testedBackend } from '../support/queue-backend.js';
import { nothingStands, queueOf } from '../support/queue-state.js';

const FIVE_MEGABYTES = 5 * 1024 * 1024;

/** A job of this shape whose document is not what it should be. */
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

describe('a poisoned job', () => {
  let bench: Bench;

  beforeAll(async () => {
    // Nothing stalls here: a machine that stands still for a while must not make a job fail twice.
    bench = await startBench({ role: 'all', environment: { QUEUE_LOCK_DURATION_MS: '60000' } });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  const seal = (text: string, id: string) =>
    bench.api.app.get(PayloadCipher).encrypt(text, documentBinding(id));
  const foreignCipher = new PayloadCipher([`test:${Buffer.alloc(32, 9).toString('base64')}`]);

  const poisons: readonly (readonly [string, (id: string) => unknown])[] = [
    ['of no shape', () => ['surprise']],
    ['of a wrong key', (id) => jobWith(foreignCipher.encrypt('{}', documentBinding(id)), id)],
    ['truncated', (id) => jobWith(seal('{"url":"http://127.0.0.1"}', id).slice(0, 40), id)],
    ['of 5 MB', (id) => jobWith('x'.repeat(FIVE_MEGABYTES), id)],
    ['moved from another callback', (id) => jobWith(seal('{}', randomUUID()), id)],
    ['whose document is no JSON', (id) => jobWith(seal('{"url":', id), id)],
    ['of a type nobody knows', () => ({ notification_id: randomUUID(), service_id: randomUUID() })],
  ];

  it(
    'fails once, is kept, is named; the others do not wait',
    async () => {
      const queue = queueOf(bench.api, MAIN_QUEUE);
      const load = await startLoad(bench.api, bench.receiver, { path: '/healthy' });
      await load.more(5);
      await queue.addBulk(
        poisons.map(([name, make]) => {
          const id = randomUUID();
          const jobName = name.includes('type nobody knows') ? 'unheard_of' : 'delivery_status';
          return { name: jobName, data: make(id), opts: { jobId: id } };
        }),
      );
      if (testedBackend() === 'redis') await addWhatIsNotJson();
      const added = poisons.length + (testedBackend() === 'redis' ? 1 : 0);
      await bench.api.logs.waitFor('callback.unreadable', {}, { count: added });
      await load.more(5);
      await load.stop();
      const report = await load.report(`${added} poisoned jobs`);
      expect({ lost: report.lost, repeated: report.repeated }).toEqual({ lost: [], repeated: 0 });
      await nothingStands(bench.api);
      const letters = await deadLetters(bench.databaseUrl);
      expect(letters.map(({ reason }) => reason)).toEqual(letters.map(() => 'unreadable'));
      expect(letters).toHaveLength(added);
      for (const { detail } of letters) expect(detail).toEqual(expect.stringMatching(/^.{5,500}$/));
      expect(bench.api.logs.events('callback.unreadable')).toHaveLength(added);
      expect(bench.api.logs.errors()).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  it('that PostgreSQL’s own queue could not even hold is refused when it is added', async () => {
    if (testedBackend() === 'redis') return;
    const broken = bench.api.app
      .get(DataSource)
      .query(`INSERT INTO bullmq.job (queue, id, data) VALUES ('q', '1', '{"not json')`);
    await expect(broken).rejects.toThrow(/json/);
  });

  /** By hand: BullMQ adds only what is JSON. */
  async function addWhatIsNotJson(): Promise<void> {
    const queue = queueOf(bench.api, MAIN_QUEUE);
    const redis = (await queue.backend.client) as unknown as Redis;
    await queue.add('delivery_status', {}, { jobId: 'not-json', delay: 86_400_000 });
    await redis.hset(queue.toKey('not-json'), 'data', '{"truncated":');
    await queue.backend.promote('not-json');
  }
});
