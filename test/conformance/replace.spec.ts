import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DelayedError } from 'bullmq';
import { QueueAwayError } from '../../src/queues/queue-away.error.js';
import { ConformanceQueue, GONE } from '../support/conformance-queue.js';
import { eventually } from '../support/eventually.js';
import { testedBackend } from '../support/queue-backend.js';

/** Longer than PostgreSQL waits for a transaction of the queue's to go on. */
const SILENT_MS = 5_500;

describe(`a job that takes the place of another on ${testedBackend()}`, () => {
  const on = new ConformanceQueue();

  beforeAll(() => on.open());
  beforeEach(() => on.begin());
  afterEach(() => on.end());
  afterAll(() => on.close());

  it('is worked on, and the other is not again', async () => {
    const begun: string[] = [];
    const ended: boolean[] = [];
    on.work(async (job, token) => {
      begun.push(job.name);
      if (job.name === 'next') return;
      const hasEnded = await on.backend.replace(job, token, () => on.queue.add('next', {}, GONE));
      ended.push(hasEnded);
      if (hasEnded) throw new DelayedError();
    });
    await on.queue.add('first', {}, GONE);
    await eventually(async () => expect(begun).toEqual(['first', 'next']));
    await on.nothingLeft();
    expect(begun).toEqual(['first', 'next']);
    expect(ended).toEqual([testedBackend() === 'postgres']);
  });

  if (testedBackend() === 'postgres') {
    it('is not added where the other is not in hand any more', async () => {
      const begun: string[] = [];
      const refused = Promise.withResolvers<unknown>();
      on.work(async (job) => {
        begun.push(job.name);
        await on.backend
          .replace(job, 'the token of another', () => on.queue.add('next', {}, GONE))
          .catch(refused.resolve);
      });
      await on.queue.add('first', {}, GONE);
      expect(String(await refused.promise)).toMatch(/lock/i);
      await on.nothingLeft();
      expect(begun).toEqual(['first']);
    });

    it('is not added where its process falls silent before both are', async () => {
      const failed = Promise.withResolvers<unknown>();
      on.work(async (job, token) => {
        await on.backend
          .replace(job, token, async () => {
            await on.queue.add('next', {}, { ...GONE, delay: 60_000 });
            await sleep(SILENT_MS);
          })
          .catch(failed.resolve);
      });
      await on.queue.add('first', {}, GONE);
      expect(await failed.promise).toBeInstanceOf(QueueAwayError);
      await on.nothingLeft();
    });

    it('is added without a trace of the first try, where another transaction was in the way', async () => {
      let tries = 0;
      on.work(async (job, token) => {
        if (job.name === 'next') return;
        await on.backend.replace(job, token, async () => {
          await on.queue.add('next', {}, { ...GONE, jobId: `next ${(tries += 1)}`, delay: 60_000 });
          if (tries === 1) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
        });
        throw new DelayedError();
      });
      await on.queue.add('first', {}, GONE);
      await eventually(async () => expect(await on.queue.getJobCountByTypes('active', 'waiting')).toBe(0));
      expect((await on.queue.getJobs(['delayed'])).map(({ id }) => id)).toEqual(['next 2']);
    });
  }
});
