import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AnyJob } from '../../src/service-callbacks/queues/queue-backend.js';
import { ConformanceQueue } from '../support/conformance-queue.js';
import { eventually } from '../support/eventually.js';
import { testedBackend } from '../support/queue-backend.js';

/**
 * What this project needs of the queues, by name, on both backends. If a BullMQ changes one of these, it is noticed
 * here and not in production.
 */
describe(`the queue on ${testedBackend()}`, () => {
  const on = new ConformanceQueue();

  beforeAll(() => on.open());
  beforeEach(() => on.begin());
  afterEach(() => on.end());
  afterAll(() => on.close());

  /**
   * Fetches a number of jobs, one at a time.
   * @returns their names in order
   */
  async function order(count: number): Promise<string[]> {
    const names: string[] = [];
    const all = Promise.withResolvers<void>();
    await on.fetch(async (job) => {
      names.push(job.name);
      if (names.length === count) all.resolve();
    });
    await all.promise;
    return names;
  }

  const stateOf = (id: string) => on.backend.jobState(on.queue.name, id);
  const waitingCount = async () => {
    const { first, later } = await on.backend.waitingJobs(on.queue.name);
    return first + later;
  };

  describe('a job that goes first', () => {
    it('is fetched before those that do not, which keep their order; each kind is counted', async () => {
      for (const id of ['later-1', 'later-2']) await on.add(id, {}, false);
      for (const id of ['first-1', 'first-2']) await on.add(id);
      expect(await on.backend.waitingJobs(on.queue.name)).toEqual({ first: 2, later: 2 });
      const ids: (string | undefined)[] = [];
      await on.fetch(async (job) => void ids.push(job.id));
      await on.nothingLeft();
      expect(ids).toEqual(['first-1', 'first-2', 'later-1', 'later-2']);
    });
  });

  describe('an id', () => {
    it('that waits is not added again: the second data is lost', async () => {
      await on.add('an-id', { n: 1 });
      await on.add('an-id', { n: 2 });
      expect(await waitingCount()).toBe(1);
      expect((await on.queue.getJob('an-id'))?.data).toEqual({ n: 1 });
    });

    it('of an active job is not added again either', async () => {
      await on.add('an-id', { n: 1 });
      await on.takeAndDie();
      await on.add('an-id', { n: 2 });
      expect(await waitingCount()).toBe(0);
      expect((await on.queue.getJob('an-id'))?.data).toEqual({ n: 1 });
    });

    it('can be added again once its job is completed', async () => {
      const seen: unknown[] = [];
      await on.fetch(async (job) => void seen.push(job.data));
      for (let time = 1; time <= 2; time += 1) {
        await on.add('an-id', { time });
        await eventually(async () => expect(await on.queue.getJob('an-id')).toBeUndefined());
      }
      expect(seen).toEqual([{ time: 1 }, { time: 2 }]);
    });

    it('that many add at once is one job', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => on.add('an-id', { n })));
      expect(await waitingCount()).toBe(1);
    });
  });

  it('says where a job is: unknown before it is added and after it is completed', async () => {
    expect(await stateOf('a-job')).toBe('unknown');
    await on.add('a-job');
    expect(await stateOf('a-job')).toBe('waiting');
    const end = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await on.fetch(async () => {
      begun.resolve();
      await end.promise;
    });
    await begun.promise;
    expect(await stateOf('a-job')).toBe('active');
    end.resolve();
    await eventually(async () => expect(await stateOf('a-job')).toBe('unknown'));
  });

  describe('counts as waiting', () => {
    it('jobs that no worker has fetched', async () => {
      for (const id of ['a', 'b', 'c']) await on.add(id);
      await on.takeAndDie();
      expect(await waitingCount()).toBe(2);
    });

    it('jobs that an earlier release added with a priority', async () => {
      await on.queue.add('prioritized', {}, { priority: 5 });
      expect(await waitingCount()).toBe(1);
    });

    it('jobs in a paused queue', async () => {
      await on.queue.pause();
      await on.add('a-job');
      expect(await waitingCount()).toBe(1);
    });
  });

  describe('a worker that dies', () => {
    it('loses its lock: the job returns, counted as stalled', async () => {
      await on.add('survivor', { n: 1 });
      await on.takeAndDie();
      const again = Promise.withResolvers<AnyJob>();
      await on.fetch(async (job) => again.resolve(job));
      const job = await again.promise;
      expect({
        id: job.id,
        data: job.data,
        stalls: job.stalledCounter,
        started: job.attemptsStarted,
      }).toEqual({
        id: 'survivor',
        data: { n: 1 },
        stalls: 1,
        started: 2,
      });
    });

    it('any number of times does not fail its job', async () => {
      await on.add('survivor');
      const stalls: number[] = [];
      // Keeps the job each time, without a renewal of its lock.
      const last = await on.fetch(
        async (job) => {
          stalls.push(job.stalledCounter);
          return stalls.length < 5 ? 'keep' : undefined;
        },
        { lockDurationMs: 60_000 },
      );
      await on.nothingLeft();
      expect(stalls).toEqual([0, 1, 2, 3, 4]);
      expect(await on.queue.getFailedCount()).toBe(0);
      expect(last.unfinishedCallbacks).toBe(0);
    });
  });

  it('completing a job fetches no other', async () => {
    for (const id of ['first', 'second']) await on.add(id);
    const job = await on.takeAndDie();
    await job.moveToCompleted(undefined, job.token ?? '', false);
    expect(await stateOf('first')).toBe('unknown');
    expect(await stateOf('second')).toBe('waiting');
  });

  it('refuses to complete a job whose lock is another worker’s', async () => {
    await on.add('a-job');
    const job = await on.takeAndDie();
    const refused = job.moveToCompleted(undefined, 'the token of another', false);
    await expect(refused).rejects.toMatchObject({ code: expect.any(Number) });
    expect(await stateOf('a-job')).toBe('active');
  });

  describe('order', () => {
    it('first in, first out', async () => {
      for (const name of ['a', 'b', 'c']) await on.queue.add(name, {});
      expect(await order(3)).toEqual(['a', 'b', 'c']);
    });

    it('jobs of earlier releases with a priority come after those without, by priority', async () => {
      await on.queue.add('last', {}, { priority: 2_097_151 });
      await on.queue.add('second', {}, { priority: 1 });
      await on.queue.add('first', {});
      expect(await order(3)).toEqual(['first', 'second', 'last']);
    });

    it('jobs that an earlier release delayed come when they are due', async () => {
      const start = performance.now();
      await on.queue.add('later', {}, { delay: 400 });
      await on.queue.add('sooner', {}, { delay: 200 });
      expect(await order(2)).toEqual(['sooner', 'later']);
      expect(performance.now() - start).toBeGreaterThanOrEqual(390);
    });
  });

  it('a job that is added wakes an idle worker at once', async () => {
    const fetched: { at: number }[] = [];
    await on.fetch(async () => void fetched.push({ at: performance.now() }));
    // The first result shows that the worker waits for the next job.
    await on.add('first');
    await on.nothingLeft();
    for (const id of ['second', 'third']) {
      const added = performance.now();
      await on.add(id);
      await on.nothingLeft();
      expect((fetched.at(-1)?.at ?? Number.NaN) - added).toBeLessThan(1_000);
    }
    expect(fetched).toHaveLength(3);
  });
});
