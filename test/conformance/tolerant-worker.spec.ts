import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DelayedError, UnrecoverableError } from 'bullmq';
import { ConformanceQueue, GONE, type Process } from '../support/conformance-queue.js';
import { eventually } from '../support/eventually.js';
import { testedBackend } from '../support/queue-backend.js';

/** Where this project's worker is another than BullMQ's. */
describe(`the tolerant worker on ${testedBackend()}`, () => {
  const on = new ConformanceQueue();

  beforeAll(() => on.open());
  beforeEach(() => on.begin());
  afterEach(() => on.end());
  afterAll(() => on.close());

  /** What a store that answers nothing for longer than a lock lasts does to a job that is stuck. */
  async function workGivenAgain(process: Process): Promise<void> {
    const worker = on.work(process, { skipLockRenewal: true, concurrency: 2 });
    const givenAgain = new Promise((resolve) => worker.once('stalled', resolve));
    await on.queue.add('slow', {}, { jobId: 'slow', attempts: 1, ...GONE });
    await givenAgain;
    await eventually(async () => expect(await on.queue.getActiveCount()).toBe(1));
    on.stuck.resolve();
    await on.nothingLeft();
  }

  it.each([
    ['done', async () => undefined],
    [
      'given up',
      async () => {
        throw new UnrecoverableError('given_up');
      },
    ],
  ])('a job that is taken again by the worker that still has it is %s once', async (_end, end) => {
    let runs = 0;
    await workGivenAgain(async () => {
      runs += 1;
      await on.stuck.promise;
      await end();
    });
    expect(runs).toBe(1);
    // Remembered no longer than it stands in the queue.
    await on.queue.add('slow', {}, { jobId: 'slow', attempts: 1, ...GONE });
    await eventually(async () => expect(runs).toBe(2));
  });

  it('a job that is taken again by the worker that still has it, and then put off by it, is put off', async () => {
    const stalls: number[] = [];
    await workGivenAgain(async (job, token) => {
      stalls.push(job.stalledCounter);
      if (stalls.length > 1) return;
      await on.stuck.promise;
      // Under a lock that is gone.
      await job.moveToDelayed(Date.now(), token).catch(() => undefined);
      throw new DelayedError();
    });
    // Not by a stall check that found nobody at it.
    expect(stalls).toEqual([0, 1]);
  });

  it('what the queue has taken note of without saying so is not taken for the next attempt', async () => {
    const attempts: number[] = [];
    on.work(
      async (job) => {
        attempts.push(job.attemptsMade);
        if (attempts.length > 1) return;
        const moveToFailed = job.moveToFailed.bind(job);
        job.moveToFailed = async (...args: Parameters<typeof moveToFailed>) => {
          await moveToFailed(...args);
          throw new Error('the answer was lost');
        };
        throw new Error('retry_later');
      },
      { settings: { backoffStrategy: () => 0 } },
    );
    await on.queue.add('retried', {}, { attempts: 3, backoff: { type: 'custom' }, ...GONE });
    await on.nothingLeft();
    expect(attempts).toEqual([0, 1]);
  });

  it.each(['ends', 'is put off'])(
    'a worker that found nothing rests, also where a job of its own %s',
    async (how) => {
      const restMs = 400;
      const begun: { readonly name: string; readonly at: number }[] = [];
      const worker = on.work(
        async (job, token) => {
          begun.push({ name: job.name, at: performance.now() });
          if (job.name !== 'slow') return;
          await on.stuck.promise;
          if (how === 'ends') return;
          await job.moveToDelayed(Date.now() + 60_000, token);
          throw new DelayedError();
        },
        { concurrency: 3, restMs },
      );
      // With the first in hand it looks once more.
      const foundNothing = new Promise<number>((resolve) =>
        worker.once('active', () => worker.once('drained', () => resolve(performance.now()))),
      );
      await on.queue.add('slow', {}, GONE);
      const foundNothingAt = await foundNothing;

      await on.queue.add('another', {}, GONE);
      on.stuck.resolve();
      await eventually(async () => expect(begun).toHaveLength(2));
      expect(begun[1]?.name).toBe('another');
      // A timer may be a millisecond early.
      expect(begun[1]?.at).toBeGreaterThan(foundNothingAt + restMs - 10);
    },
  );
});
