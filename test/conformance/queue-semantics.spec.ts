import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DelayedError, UnrecoverableError, type Queue, type Worker } from 'bullmq';
import pg from 'pg';
import { PostgresQueueBackend } from '../../src/queues/postgres-queue-backend.js';
import type { AnyJob, QueueBackend, QueueWorkerOptions } from '../../src/queues/queue-backend.js';
import { openTestedBackend } from '../support/conformance-backend.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { testedBackend } from '../support/queue-backend.js';

const LOCK_MS = 600;
const GONE = { removeOnComplete: true, removeOnFail: true } as const;

type Process = (job: AnyJob, token?: string) => Promise<void>;

/**
 * What this project relies on of the queues, by name, on both backends: a BullMQ that changes one of these is
 * caught here and not in production.
 */
describe(`the queue on ${testedBackend()}`, () => {
  let database: TestDatabase;
  let backend: QueueBackend;
  let queue: Queue;
  let workers: Worker[];
  let stuck: PromiseWithResolvers<void>;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    backend = await openTestedBackend(database.url, { lockDurationMs: LOCK_MS, stalledIntervalMs: 300 });
  });

  afterAll(async () => {
    await backend.close();
    await database.drop();
  });

  beforeEach(() => {
    queue = backend.createQueue(`conformance-${randomUUID()}`);
    workers = [];
    stuck = Promise.withResolvers();
  });

  afterEach(async () => {
    stuck.resolve();
    await Promise.all(workers.map((worker) => worker.close(true)));
    await queue.close();
  });

  function work(process: Process, options: Partial<QueueWorkerOptions> = {}): Worker {
    const worker = backend.createWorker(queue.name, (job: AnyJob, token) => process(job, token), {
      maxStalledCount: 1_000_000,
      ...options,
    });
    worker.on('error', () => undefined);
    workers.push(worker);
    void worker.run();
    return worker;
  }

  /** What a store that answers nothing for longer than a lock lasts does to a job that is stuck. */
  async function workGivenAgain(process: Process): Promise<void> {
    const worker = work(process, { skipLockRenewal: true, concurrency: 2 });
    const givenAgain = new Promise((resolve) => worker.once('stalled', resolve));
    await queue.add('slow', {}, { jobId: 'slow', attempts: 1, ...GONE });
    await givenAgain;
    await eventually(async () => expect(await queue.getActiveCount()).toBe(1));
    stuck.resolve();
    await nothingLeft();
  }

  /** Works until so many jobs have been taken, one at a time. @returns their names in the order they were. */
  async function order(count: number): Promise<string[]> {
    const names: string[] = [];
    const all = Promise.withResolvers<void>();
    work(async (job) => {
      names.push(job.name);
      if (names.length === count) all.resolve();
    });
    await all.promise;
    return names;
  }

  const nothingLeft = () =>
    eventually(async () => {
      expect(await queue.getJobCounts()).toMatchObject({ waiting: 0, active: 0, delayed: 0, prioritized: 0 });
    });

  describe('ids', () => {
    it('an id that waits swallows another add, whose data is lost', async () => {
      await queue.add('first', { n: 1 }, { jobId: 'an-id' });
      await queue.add('second', { n: 2 }, { jobId: 'an-id' });
      expect(await queue.getJobCountByTypes('waiting')).toBe(1);
      expect((await queue.getJob('an-id'))?.data).toEqual({ n: 1 });
    });

    it.each(['completed', 'failed'] as const)('an id that is kept as %s swallows it too', async (state) => {
      const worker = work(async () => {
        if (state === 'failed') throw new UnrecoverableError('given_up');
      });
      const ended = new Promise((resolve) => worker.once(state, resolve));
      await queue.add('first', {}, { jobId: 'an-id', removeOnComplete: false, removeOnFail: false });
      await ended;
      await queue.add('second', {}, { jobId: 'an-id' });
      expect(await queue.getJobCountByTypes('waiting', 'active')).toBe(0);
      expect((await queue.getJob('an-id'))?.name).toBe('first');
    });

    it.each(['completed', 'failed'] as const)('a job removed as it is %s frees its id', async (state) => {
      const worker = work(async () => {
        if (state === 'failed') throw new UnrecoverableError('given_up');
      });
      for (let time = 0; time < 2; time += 1) {
        const ended = new Promise((resolve) => worker.once(state, resolve));
        await queue.add('again', {}, { jobId: 'an-id', ...GONE });
        await ended;
        expect(await queue.getJob('an-id')).toBeUndefined();
      }
    });

    it('addBulk adds what is new and swallows the rest', async () => {
      await queue.add('known', {}, { jobId: 'known' });
      const jobs = ['known', 'new', 'new'].map((jobId) => ({ name: jobId, data: {}, opts: { jobId } }));
      await queue.addBulk(jobs);
      await queue.addBulk(jobs);
      expect(new Set((await queue.getJobs(['waiting'])).map(({ id }) => id))).toEqual(
        new Set(['known', 'new']),
      );
      expect(await queue.getJobCountByTypes('waiting')).toBe(2);
    });
  });

  describe('attempts', () => {
    it('moveToDelayed with DelayedError spends none', async () => {
      const made: number[] = [];
      const done = Promise.withResolvers<void>();
      work(async (job, token) => {
        made.push(job.attemptsMade);
        if (made.length === 4) return done.resolve();
        await job.moveToDelayed(Date.now() + 20, token);
        throw new DelayedError();
      });
      await queue.add('deferred', {}, { attempts: 1, ...GONE });
      await done.promise;
      expect(made).toEqual([0, 0, 0, 0]);
      await nothingLeft();
    });

    it('a custom backoff is asked with the error and obeyed, and the data that was updated comes back', async () => {
      const seen: { at: number; data: unknown }[] = [];
      const done = Promise.withResolvers<void>();
      class Later extends Error {
        readonly delayMs = 300;
      }
      work(
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
      await queue.add('retried', { attempt: 0 }, { attempts: 3, backoff: { type: 'custom' }, ...GONE });
      await done.promise;
      const [first, second] = seen;
      expect([first?.data, second?.data]).toEqual([{ attempt: 0 }, { attempt: 1 }]);
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(290);
      await nothingLeft();
    });

    it('UnrecoverableError ends a job that has attempts left', async () => {
      const worker = work(async () => {
        throw new UnrecoverableError('given_up');
      });
      const failed = new Promise<AnyJob | undefined>((resolve) => worker.once('failed', resolve));
      await queue.add('ended', {}, { attempts: 5, ...GONE });
      expect((await failed)?.attemptsMade).toBe(1);
      await nothingLeft();
    });
  });

  it('a worker that dies is noticed by its lock: the job returns, counted as stalled, with its attempt unspent', async () => {
    const taken = Promise.withResolvers<void>();
    // What a SIGKILL leaves: taken, never finished, its lock not renewed.
    work(
      () => {
        taken.resolve();
        return stuck.promise;
      },
      { skipLockRenewal: true, skipStalledCheck: true },
    );
    await queue.add('survivor', {}, { jobId: 'survivor', attempts: 1, ...GONE });
    await taken.promise;
    const again = Promise.withResolvers<AnyJob>();
    work(async (job) => again.resolve(job));
    const job = await again.promise;
    expect({ id: job.id, stalls: job.stalledCounter, made: job.attemptsMade }).toEqual({
      id: 'survivor',
      stalls: 1,
      made: 0,
    });
  });

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
      await stuck.promise;
      await end();
    });
    expect(runs).toBe(1);
    // Remembered no longer than it stands in the queue.
    await queue.add('slow', {}, { jobId: 'slow', attempts: 1, ...GONE });
    await eventually(async () => expect(runs).toBe(2));
  });

  it('a job that is taken again by the worker that still has it, and then put off by it, is put off', async () => {
    const stalls: number[] = [];
    await workGivenAgain(async (job, token) => {
      stalls.push(job.stalledCounter);
      if (stalls.length > 1) return;
      await stuck.promise;
      // Under a lock that is gone.
      await job.moveToDelayed(Date.now(), token).catch(() => undefined);
      throw new DelayedError();
    });
    // Not by a stall check that found nobody at it.
    expect(stalls).toEqual([0, 1]);
  });

  it('what the queue has taken note of without saying so is not taken for the next attempt', async () => {
    const attempts: number[] = [];
    work(
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
    await queue.add('retried', {}, { attempts: 3, backoff: { type: 'custom' }, ...GONE });
    await nothingLeft();
    expect(attempts).toEqual([0, 1]);
  });

  it('a lock that is renewed keeps its job, however long it takes', async () => {
    let runs = 0;
    const slow = async () => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 3 * LOCK_MS));
    };
    const first = work(slow);
    work(slow);
    const completed = new Promise((resolve) => {
      for (const worker of [first, ...workers]) worker.once('completed', resolve);
    });
    await queue.add('slow', {}, GONE);
    await completed;
    expect(runs).toBe(1);
  });

  describe('order', () => {
    it('first in, first out', async () => {
      for (const name of ['a', 'b', 'c']) await queue.add(name, {}, GONE);
      expect(await order(3)).toEqual(['a', 'b', 'c']);
    });

    it('by priority: 0 overtakes everything, 2,097,151 is last, one more is refused', async () => {
      await queue.add('last', {}, { priority: 2_097_151, ...GONE });
      await queue.add('second', {}, { priority: 2, ...GONE });
      await queue.add('first', {}, { priority: 1, ...GONE });
      await queue.add('none', {}, GONE);
      await expect(queue.add('refused', {}, { priority: 2_097_152 })).rejects.toThrow(/[Pp]riority/);
      expect(await order(4)).toEqual(['none', 'first', 'second', 'last']);
    });

    it('delayed jobs come when they are due, earliest first', async () => {
      const start = performance.now();
      await queue.add('later', {}, { delay: 400, ...GONE });
      await queue.add('sooner', {}, { delay: 200, ...GONE });
      expect(await order(2)).toEqual(['sooner', 'later']);
      expect(performance.now() - start).toBeGreaterThanOrEqual(390);
    });

    it(`of equal priority a job that was delayed goes ${testedBackend() === 'postgres' ? 'first' : 'last'}`, async () => {
      await queue.add('delayed', {}, { delay: 50, priority: 5, ...GONE });
      await queue.add('waiting', {}, { priority: 5, ...GONE });
      await eventually(async () => {
        expect(Date.now() - ((await queue.getDelayed())[0]?.timestamp ?? 0)).toBeGreaterThan(60);
      });
      const names = await order(2);
      expect(names).toEqual(testedBackend() === 'postgres' ? ['delayed', 'waiting'] : ['waiting', 'delayed']);
    });
  });

  it.each(['ends', 'is put off'])(
    'a worker that found nothing rests, also where a job of its own %s',
    async (how) => {
      const restMs = 400;
      const begun: { readonly name: string; readonly at: number }[] = [];
      const worker = work(
        async (job, token) => {
          begun.push({ name: job.name, at: performance.now() });
          if (job.name !== 'slow') return;
          await stuck.promise;
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
      await queue.add('slow', {}, GONE);
      const foundNothingAt = await foundNothing;

      await queue.add('another', {}, GONE);
      stuck.resolve();
      await eventually(async () => expect(begun).toHaveLength(2));
      expect(begun[1]?.name).toBe('another');
      // A timer may be a millisecond early.
      expect(begun[1]?.at).toBeGreaterThan(foundNothingAt + restMs - 10);
    },
  );

  it('a job that is added wakes an idle worker at once', async () => {
    const woken = Promise.withResolvers<number>();
    const worker = work(async () => woken.resolve(performance.now()));
    await new Promise<void>((resolve) => worker.once('drained', resolve));
    const added = performance.now();
    await queue.add('wake', {}, GONE);
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
        (backend as PostgresQueueBackend).inTransaction(caller, () => queue.add('job', {}, { jobId }));

      beforeEach(async () => {
        client = new pg.Client({ connectionString: database.url });
        await client.connect();
        await client.query('BEGIN');
      });

      afterEach(() => client.end());

      it('a job is there at the commit, and not before', async () => {
        await add('with-the-commit');
        expect(await queue.getJob('with-the-commit')).toBeUndefined();
        await client.query('COMMIT');
        expect(await queue.getJob('with-the-commit')).toBeDefined();
      });

      it('a job that is rolled back never was', async () => {
        await add('never');
        await client.query('ROLLBACK');
        expect(await queue.getJob('never')).toBeUndefined();
      });

      it('nobody else’s add waits for the commit', async () => {
        await add('held');
        await queue.add('other', {}, { jobId: 'other' });
        await client.query('ROLLBACK');
        expect(await queue.getJob('other')).toBeDefined();
      });

      it('the caller’s search path is as it was, also after two adds at once', async () => {
        await client.query(`SELECT set_config('search_path', '"$user", public, pg_temp', true)`);
        await Promise.all([add('one'), add('two'), caller.query('SELECT count(*) FROM migrations')]);
        expect(await caller.query('SHOW search_path')).toEqual([{ search_path: '"$user", public, pg_temp' }]);
        await client.query('COMMIT');
        expect(await queue.getJobCountByTypes('waiting')).toBe(2);
      });
    });
  }
});
