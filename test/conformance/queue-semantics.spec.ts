import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DelayedError, UnrecoverableError } from 'bullmq';
import pg from 'pg';
import { PostgresQueueBackend } from '../../src/queues/postgres-queue-backend.js';
import type { AnyJob } from '../../src/queues/queue-backend.js';
import { ConformanceQueue, GONE, LOCK_MS } from '../support/conformance-queue.js';
import { eventually } from '../support/eventually.js';
import { testedBackend } from '../support/queue-backend.js';

/**
 * What this project relies on of the queues, by name, on both backends: a BullMQ that changes one of these is
 * caught here and not in production.
 */
describe(`the queue on ${testedBackend()}`, () => {
  const on = new ConformanceQueue();

  beforeAll(() => on.open());
  beforeEach(() => on.begin());
  afterEach(() => on.end());
  afterAll(() => on.close());

  /** Works until so many jobs have been taken, one at a time. @returns their names in the order they were. */
  async function order(count: number): Promise<string[]> {
    const names: string[] = [];
    const all = Promise.withResolvers<void>();
    on.work(async (job) => {
      names.push(job.name);
      if (names.length === count) all.resolve();
    });
    await all.promise;
    return names;
  }

  describe('ids', () => {
    it('an id that waits swallows another add, whose data is lost', async () => {
      await on.queue.add('first', { n: 1 }, { jobId: 'an-id' });
      await on.queue.add('second', { n: 2 }, { jobId: 'an-id' });
      expect(await on.queue.getJobCountByTypes('waiting')).toBe(1);
      expect((await on.queue.getJob('an-id'))?.data).toEqual({ n: 1 });
    });

    it.each(['completed', 'failed'] as const)('an id that is kept as %s swallows it too', async (state) => {
      const worker = on.work(async () => {
        if (state === 'failed') throw new UnrecoverableError('given_up');
      });
      const ended = new Promise((resolve) => worker.once(state, resolve));
      await on.queue.add('first', {}, { jobId: 'an-id', removeOnComplete: false, removeOnFail: false });
      await ended;
      await on.queue.add('second', {}, { jobId: 'an-id' });
      expect(await on.queue.getJobCountByTypes('waiting', 'active')).toBe(0);
      expect((await on.queue.getJob('an-id'))?.name).toBe('first');
    });

    it.each(['completed', 'failed'] as const)('a job removed as it is %s frees its id', async (state) => {
      const worker = on.work(async () => {
        if (state === 'failed') throw new UnrecoverableError('given_up');
      });
      for (let time = 0; time < 2; time += 1) {
        const ended = new Promise((resolve) => worker.once(state, resolve));
        await on.queue.add('again', {}, { jobId: 'an-id', ...GONE });
        await ended;
        expect(await on.queue.getJob('an-id')).toBeUndefined();
      }
    });

    it('addBulk adds what is new and swallows the rest', async () => {
      await on.queue.add('known', {}, { jobId: 'known' });
      const jobs = ['known', 'new', 'new'].map((jobId) => ({ name: jobId, data: {}, opts: { jobId } }));
      await on.queue.addBulk(jobs);
      await on.queue.addBulk(jobs);
      expect(new Set((await on.queue.getJobs(['waiting'])).map(({ id }) => id))).toEqual(
        new Set(['known', 'new']),
      );
      expect(await on.queue.getJobCountByTypes('waiting')).toBe(2);
    });
  });

  describe('attempts', () => {
    it('moveToDelayed with DelayedError spends none', async () => {
      const made: number[] = [];
      const done = Promise.withResolvers<void>();
      on.work(async (job, token) => {
        made.push(job.attemptsMade);
        if (made.length === 4) return done.resolve();
        await job.moveToDelayed(Date.now() + 20, token);
        throw new DelayedError();
      });
      await on.queue.add('deferred', {}, { attempts: 1, ...GONE });
      await done.promise;
      expect(made).toEqual([0, 0, 0, 0]);
      await on.nothingLeft();
    });

    it('a custom backoff is asked with the error and obeyed, and the data that was updated comes back', async () => {
      const seen: { at: number; data: unknown }[] = [];
      const done = Promise.withResolvers<void>();
      class Later extends Error {
        readonly delayMs = 300;
      }
      on.work(
        async (job) => {
          seen.push({ at: performance.now(), data: job.data });
          if (seen.length === 2) return done.resolve();
          await job.updateData({ attempt: 1 });
          throw new Later('retry_later');
        },
        {
          settings: {
            backoffStrategy: (_made, _type, error) => (error instanceof Later ? error.delayMs : 0),
          },
        },
      );
      await on.queue.add('retried', { attempt: 0 }, { attempts: 3, backoff: { type: 'custom' }, ...GONE });
      await done.promise;
      const [first, second] = seen;
      expect([first?.data, second?.data]).toEqual([{ attempt: 0 }, { attempt: 1 }]);
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(290);
      await on.nothingLeft();
    });

    it('UnrecoverableError ends a job that has attempts left', async () => {
      const worker = on.work(async () => {
        throw new UnrecoverableError('given_up');
      });
      const failed = new Promise<AnyJob | undefined>((resolve) => worker.once('failed', resolve));
      await on.queue.add('ended', {}, { attempts: 5, ...GONE });
      expect((await failed)?.attemptsMade).toBe(1);
      await on.nothingLeft();
    });
  });

  it('a worker that dies is noticed by its lock: the job returns, counted as stalled, with its attempt unspent', async () => {
    const taken = Promise.withResolvers<void>();
    // What a SIGKILL leaves: taken, never finished, its lock not renewed.
    on.work(
      () => {
        taken.resolve();
        return on.stuck.promise;
      },
      { skipLockRenewal: true, skipStalledCheck: true },
    );
    await on.queue.add('survivor', {}, { jobId: 'survivor', attempts: 1, ...GONE });
    await taken.promise;
    const again = Promise.withResolvers<AnyJob>();
    on.work(async (job) => again.resolve(job));
    const job = await again.promise;
    expect({ id: job.id, stalls: job.stalledCounter, made: job.attemptsMade }).toEqual({
      id: 'survivor',
      stalls: 1,
      made: 0,
    });
  });

  it('a lock that is renewed keeps its job, however long it takes', async () => {
    let runs = 0;
    const slow = async () => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 3 * LOCK_MS));
    };
    const first = on.work(slow);
    on.work(slow);
    const completed = new Promise((resolve) => {
      for (const worker of [first, ...on.workers]) worker.once('completed', resolve);
    });
    await on.queue.add('slow', {}, GONE);
    await completed;
    expect(runs).toBe(1);
  });

  describe('order', () => {
    it('first in, first out', async () => {
      for (const name of ['a', 'b', 'c']) await on.queue.add(name, {}, GONE);
      expect(await order(3)).toEqual(['a', 'b', 'c']);
    });

    it('by priority: 0 overtakes everything, 2,097,151 is last, one more is refused', async () => {
      await on.queue.add('last', {}, { priority: 2_097_151, ...GONE });
      await on.queue.add('second', {}, { priority: 2, ...GONE });
      await on.queue.add('first', {}, { priority: 1, ...GONE });
      await on.queue.add('none', {}, GONE);
      await expect(on.queue.add('refused', {}, { priority: 2_097_152 })).rejects.toThrow(/[Pp]riority/);
      expect(await order(4)).toEqual(['none', 'first', 'second', 'last']);
    });

    it('delayed jobs come when they are due, earliest first', async () => {
      const start = performance.now();
      await on.queue.add('later', {}, { delay: 400, ...GONE });
      await on.queue.add('sooner', {}, { delay: 200, ...GONE });
      expect(await order(2)).toEqual(['sooner', 'later']);
      expect(performance.now() - start).toBeGreaterThanOrEqual(390);
    });

    it(`of equal priority a job that was delayed goes ${testedBackend() === 'postgres' ? 'first' : 'last'}`, async () => {
      await on.queue.add('delayed', {}, { delay: 50, priority: 5, ...GONE });
      await on.queue.add('waiting', {}, { priority: 5, ...GONE });
      await eventually(async () => {
        expect(Date.now() - ((await on.queue.getDelayed())[0]?.timestamp ?? 0)).toBeGreaterThan(60);
      });
      const names = await order(2);
      expect(names).toEqual(testedBackend() === 'postgres' ? ['delayed', 'waiting'] : ['waiting', 'delayed']);
    });
  });

  it('a job that is added wakes an idle worker at once', async () => {
    const woken = Promise.withResolvers<number>();
    const worker = on.work(async () => woken.resolve(performance.now()));
    await new Promise<void>((resolve) => worker.once('drained', resolve));
    const added = performance.now();
    await on.queue.add('wake', {}, GONE);
    expect((await woken.promise) - added).toBeLessThan(2_000);
  });

  if (testedBackend() === 'postgres') {
    describe('inside a caller’s transaction', () => {
      let client: pg.Client;
      const caller = {
        query: async (text: string, parameters?: readonly unknown[]) =>
          (await client.query<pg.QueryResultRow>(text, [...(parameters ?? [])])).rows,
      };
      const add = (jobId: string) =>
        (on.backend as PostgresQueueBackend).inTransaction(caller, () => on.queue.add('job', {}, { jobId }));

      beforeEach(async () => {
        client = new pg.Client({ connectionString: on.database.url });
        await client.connect();
        await client.query('BEGIN');
      });

      afterEach(() => client.end());

      it('a job is there at the commit, and not before', async () => {
        await add('with-the-commit');
        expect(await on.queue.getJob('with-the-commit')).toBeUndefined();
        await client.query('COMMIT');
        expect(await on.queue.getJob('with-the-commit')).toBeDefined();
      });

      it('a job that is rolled back never was', async () => {
        await add('never');
        await client.query('ROLLBACK');
        expect(await on.queue.getJob('never')).toBeUndefined();
      });

      it('nobody else’s add waits for the commit', async () => {
        await add('held');
        await on.queue.add('other', {}, { jobId: 'other' });
        await client.query('ROLLBACK');
        expect(await on.queue.getJob('other')).toBeDefined();
      });

      it('the caller’s search path is as it was, also after two adds at once', async () => {
        await client.query(`SELECT set_config('search_path', '"$user", public, pg_temp', true)`);
        await Promise.all([add('one'), add('two'), caller.query('SELECT count(*) FROM migrations')]);
        expect(await caller.query('SHOW search_path')).toEqual([{ search_path: '"$user", public, pg_temp' }]);
        await client.query('COMMIT');
        expect(await on.queue.getJobCountByTypes('waiting')).toBe(2);
      });
    });
  }
});
