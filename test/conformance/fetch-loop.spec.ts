import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { AnyJob } from '../../src/service-callbacks/queues/queue-backend.js';
import { ConformanceQueue, LOCK_MS, STALLED_MS } from '../support/conformance-queue.js';
import { eventually } from '../support/eventually.js';
import { testedBackend } from '../support/queue-backend.js';

/** Callbacks of a job, in its data. */
const sizeOf = (job: AnyJob) => (job.data as { size: number }).size;
const NO_RENEWAL_MS = 60_000;

describe(`the fetch loop on ${testedBackend()}`, () => {
  const on = new ConformanceQueue();

  beforeAll(() => on.open());
  beforeEach(() => on.begin());
  afterEach(() => on.end());
  afterAll(() => on.close());

  const addAll = async (ids: readonly string[], data: unknown = {}) => {
    for (const id of ids) await on.add(id, data);
  };
  const waitingCount = async () => {
    const { first, later } = await on.backend.waitingJobs(on.queue.name);
    return first + later;
  };

  describe('permits', () => {
    it('count callbacks: a job is fetched only while there is a permit', async () => {
      const sizes = Array.from({ length: 60 }, (_, index) => 1 + ((index * 7) % 9));
      for (const [index, size] of sizes.entries()) await on.add(`job-${index}`, { size });
      const permits = 10;
      const unfinishedBefore: number[] = [];
      const loop = await on.fetch(
        async (job, freed) => {
          const size = sizeOf(job);
          unfinishedBefore.push(loop.unfinishedCallbacks - size);
          for (let count = 0; count < size; count += 1) {
            await sleep(Math.random() * 4);
            freed();
          }
        },
        { permits, sizeOf },
      );
      await on.nothingLeft();
      expect(unfinishedBefore).toHaveLength(sizes.length);
      expect(Math.max(...unfinishedBefore)).toBeLessThan(permits);
      // Without this, one job at a time would do as well.
      expect(Math.max(...unfinishedBefore)).toBeGreaterThan(permits / 2);
      expect(loop.unfinishedCallbacks).toBe(0);
    });

    it('are freed for each callback, while its job is still active', async () => {
      await addAll(['large'], { size: 3 });
      const free = Promise.withResolvers<() => void>();
      const seen: string[] = [];
      const loop = await on.fetch(
        async (job, freed) => {
          seen.push(job.id ?? '');
          if (job.id !== 'large') return;
          free.resolve(freed);
          await on.stuck.promise;
        },
        { permits: 2, sizeOf },
      );
      const freed = await free.promise;
      await addAll(['small'], { size: 1 });
      expect(loop.unfinishedCallbacks).toBe(3);
      freed();
      expect(loop.unfinishedCallbacks).toBe(2);
      expect(seen).toEqual(['large']);
      freed();
      await eventually(async () => expect(seen).toEqual(['large', 'small']));
      expect(await on.backend.jobState(on.queue.name, 'large')).toBe('active');
      expect(loop.unfinishedCallbacks).toBe(1);
    });

    it('are freed once for each callback', async () => {
      await addAll(['a-job'], { size: 2 });
      const loop = await on.fetch(
        async (_, freed) => {
          for (let count = 0; count < 5; count += 1) freed();
          await on.stuck.promise;
        },
        { permits: 2, sizeOf },
      );
      await eventually(async () => expect(await on.queue.getActiveCount()).toBe(1));
      expect(loop.unfinishedCallbacks).toBe(0);
      on.stuck.resolve();
      await on.nothingLeft();
      expect(loop.unfinishedCallbacks).toBe(0);
    });

    it('are freed if a processor fails, and its job returns', async () => {
      const stalls: number[] = [];
      await addAll(['a-job']);
      const loop = await on.fetch(async (job) => {
        stalls.push(job.stalledCounter);
        if (stalls.length === 1) throw new Error('a fault of this platform');
      });
      await on.nothingLeft();
      expect(stalls).toEqual([0, 1]);
      expect(on.errors).toEqual([new Error('a fault of this platform')]);
      expect(loop.unfinishedCallbacks).toBe(0);
    });
  });

  describe('a job', () => {
    it('is completed once all its callbacks are settled', async () => {
      await addAll(['a-job']);
      await on.fetch(() => on.stuck.promise);
      await eventually(async () => expect(await on.queue.getActiveCount()).toBe(1));
      expect(await on.backend.jobState(on.queue.name, 'a-job')).toBe('active');
      on.stuck.resolve();
      await on.nothingLeft();
      expect(on.errors).toEqual([]);
    });

    it('that is kept returns when its lock expires', async () => {
      const stalls: number[] = [];
      await addAll(['a-job']);
      await on.fetch(async (job) => {
        stalls.push(job.stalledCounter);
        return stalls.length === 1 ? 'keep' : undefined;
      });
      await on.nothingLeft();
      expect(stalls).toEqual([0, 1]);
    });

    it('keeps its lock by renewals, however long it takes', async () => {
      let runs = 0;
      const process = async () => {
        runs += 1;
        await sleep(4 * LOCK_MS);
      };
      await addAll(['slow']);
      await on.fetch(process, { permits: 5 });
      await on.fetch(process, { permits: 5 });
      await on.nothingLeft();
      expect(runs).toBe(1);
      expect(on.errors).toEqual([]);
    });

    it('that is handed out again to the same worker is processed once, and completed under its new lock', async () => {
      let runs = 0;
      await addAll(['slow']);
      const loop = await on.fetch(
        async () => {
          runs += 1;
          await on.stuck.promise;
        },
        { permits: 2, lockDurationMs: NO_RENEWAL_MS },
      );
      await eventually(async () => expect(on.handedOut).toEqual(['slow', 'slow']));
      expect(loop.unfinishedCallbacks).toBe(1);
      on.stuck.resolve();
      await on.nothingLeft();
      expect(runs).toBe(1);
      expect(on.errors).toEqual([]);
      // An id is remembered only while its job is active.
      await addAll(['slow']);
      await eventually(async () => expect(runs).toBe(2));
    });

    it('that another worker got meanwhile is completed by the other worker', async () => {
      const done: string[] = [];
      await addAll(['slow']);
      const first = await on.loop(
        async () => {
          await on.stuck.promise;
          done.push('first');
        },
        { lockDurationMs: NO_RENEWAL_MS },
      );
      first.start();
      await first.resume();
      await eventually(async () => expect(await on.queue.getActiveCount()).toBe(1));
      await first.pause();
      const second = Promise.withResolvers<void>();
      await on.fetch(async () => {
        done.push('second');
        await second.promise;
      });
      await eventually(async () => expect(done).toEqual(['second']));
      on.stuck.resolve();
      await eventually(async () => expect(first.unfinishedCallbacks).toBe(0));
      expect(done).toEqual(['second', 'first']);
      expect(await on.backend.jobState(on.queue.name, 'slow')).toBe('active');
      second.resolve();
      await on.nothingLeft();
      expect(on.errors).toEqual([]);
    });

    it('of unknown origin is fetched and completed like any other', async () => {
      const seen: unknown[] = [];
      await on.queue.add('anything', ['a', { list: 1 }]);
      await on.queue.add('text', 'a text', { attempts: 7, backoff: 1_000 });
      await on.queue.add('number', 7, { lifo: true, priority: 3, delay: 30 });
      await on.fetch(async (job) => void seen.push([job.name, job.data]));
      await on.nothingLeft();
      expect(seen).toHaveLength(3);
      expect(seen).toEqual(
        expect.arrayContaining([
          ['anything', ['a', { list: 1 }]],
          ['text', 'a text'],
          ['number', 7],
        ]),
      );
      expect(await on.queue.getJobCountByTypes('completed', 'failed')).toBe(0);
    });

    it.each([
      ['rate', () => on.queue.setGlobalRateLimit(1, 2_000)],
      ['active jobs', () => on.queue.setGlobalConcurrency(1)],
    ])('is polled a few times a second while a host limits the queue’s %s', async (_, limit) => {
      await limit();
      await addAll(['first', 'second']);
      await on.fetch(() => on.stuck.promise, { permits: 10 });
      await eventually(async () => expect(on.handedOut).toEqual(['first']));
      const before = on.fetches;
      await sleep(500);
      expect(on.fetches - before).toBeLessThan(20);
      on.stuck.resolve();
      await on.nothingLeft();
      expect(on.handedOut).toEqual(['first', 'second']);
    });

    if (testedBackend() === 'redis') {
      it('whose data is not JSON reaches the processor, and does not return forever', async () => {
        const seen: unknown[] = [];
        await addAll(['not-json']);
        const redis = (await on.queue.backend.client) as unknown as Redis;
        await redis.hset(on.queue.toKey('not-json'), 'data', '{"truncated":');
        await on.fetch(async (job) => void seen.push(job.data));
        await on.nothingLeft();
        expect(seen).toEqual([{ not_json: true }]);
        expect(on.errors).toEqual([]);
      });
    } else {
      it('whose data is not JSON cannot be in the queue', async () => {
        await addAll(['a-job']);
        const { default: pg } = await import('pg');
        const client = new pg.Client({ connectionString: on.database.url });
        await client.connect();
        const broken = client.query(`UPDATE bullmq.job SET data = '{"truncated":'`);
        await expect(broken).rejects.toThrow(/json/);
        await client.end();
      });
    }
  });

  describe('while the store does not respond', () => {
    it('an add fails at once, and a queue that was first used then works later', async () => {
      await on.storeIsUnavailable();
      const startedAt = performance.now();
      await expect(on.add('a-job')).rejects.toThrow(/./);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      await on.storeResponds();
      await Promise.all([on.add('a-job'), on.add('another')]);
      expect(await waitingCount()).toBe(2);
    });

    it('an active job is processed once, and completed when the store responds', async () => {
      let runs = 0;
      await addAll(['a-job']);
      const loop = await on.fetch(
        async () => {
          runs += 1;
          await on.stuck.promise;
        },
        { permits: 2 },
      );
      await eventually(async () => expect(runs).toBe(1));
      await on.storeIsUnavailable();
      on.stuck.resolve();
      // The completion has failed once.
      await eventually(async () => expect(loop.unfinishedCallbacks).toBe(0));
      await eventually(async () => expect(on.errors.length).toBeGreaterThan(0));
      await on.storeResponds();
      await on.nothingLeft();
      expect(runs).toBe(1);
    });

    it('an active job is processed once even if the outage outlasts its lock', async () => {
      let runs = 0;
      await addAll(['a-job']);
      await on.fetch(
        async () => {
          runs += 1;
          await on.stuck.promise;
        },
        { permits: 2 },
      );
      await eventually(async () => expect(runs).toBe(1));
      await on.storeIsUnavailable();
      await sleep(3 * LOCK_MS);
      await on.storeResponds();
      // Long enough for the store to hand it out again.
      await sleep(3 * LOCK_MS);
      on.stuck.resolve();
      await on.nothingLeft();
      expect(runs).toBe(1);
    });

    it('an idle loop continues as soon as the store responds', async () => {
      const seen: string[] = [];
      await on.fetch(async (job) => void seen.push(job.id ?? ''));
      await on.storeIsUnavailable();
      await eventually(async () => expect(on.errors.length).toBeGreaterThan(0));
      await on.storeResponds();
      await eventually(() => on.add('afterwards'));
      await eventually(async () => expect(seen).toEqual(['afterwards']));
    });

    it('a stop ends, and its jobs go to another worker when their locks expire', async () => {
      await addAll(['a-job']);
      const begun = Promise.withResolvers<void>();
      const loop = await on.fetch(async () => {
        begun.resolve();
        await on.stuck.promise;
      });
      await begun.promise;
      await on.storeIsUnavailable();
      on.stuck.resolve();
      const startedAt = performance.now();
      await on.stop(loop);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      await on.storeResponds();
      const again = Promise.withResolvers<AnyJob>();
      await on.fetch(async (job) => again.resolve(job));
      expect((await again.promise).id).toBe('a-job');
    });
  });

  describe('a stop', () => {
    it('ends the wait of an idle loop at once', async () => {
      const loop = await on.fetch(async () => undefined);
      await addAll(['a-job']);
      await on.nothingLeft();
      const startedAt = performance.now();
      await on.stop(loop);
      // Less than a worker waits for a job by itself.
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      await addAll(['later']);
      expect(await waitingCount()).toBe(1);
    });

    it('ends a loop that is paused, or that waits for a permit', async () => {
      const paused = await on.loop(async () => undefined);
      paused.start();
      await addAll(['a-job', 'next']);
      const busy = await on.fetch(() => on.stuck.promise);
      await eventually(async () => expect(busy.unfinishedCallbacks).toBe(1));
      await on.stop(paused);
      on.stuck.resolve();
      await on.stop(busy);
      expect(on.errors).toEqual([]);
    });

    it('waits for the active jobs, renews their locks and completes them; it fetches no other', async () => {
      let runs = 0;
      const loop = await on.fetch(
        async () => {
          runs += 1;
          await on.stuck.promise;
        },
        { permits: 10 },
      );
      await addAll(['first', 'second']);
      await eventually(async () => expect([loop.unfinishedCallbacks, on.isDrained]).toEqual([2, true]));
      const stopped = on.stop(loop).then(() => 'stopped');
      await addAll(['third']);
      const other = await Promise.race([stopped, sleep(3 * LOCK_MS, 'active')]);
      expect(other).toBe('active');
      on.stuck.resolve();
      await stopped;
      expect(runs).toBe(2);
      expect(await on.queue.getActiveCount()).toBe(0);
      expect(await waitingCount()).toBe(1);
      expect(on.errors).toEqual([]);
    });
  });

  describe('a pause', () => {
    it('is the initial state of a loop; it fetches after it is resumed', async () => {
      const seen: string[] = [];
      const loop = await on.loop(async (job) => void seen.push(`paused ${job.id}`), { permits: 10 });
      loop.start();
      expect(loop.isFetching).toBe(false);
      const other = await on.fetch(async (job) => void seen.push(`other ${job.id}`));
      await addAll(['a', 'b', 'c']);
      await on.nothingLeft();
      expect(seen).toEqual(['other a', 'other b', 'other c']);
      await on.stop(other);
      await loop.resume();
      expect(loop.isFetching).toBe(true);
      await addAll(['d']);
      await eventually(async () => expect(seen.at(-1)).toBe('paused d'));
    });

    it('of a waiting loop takes effect before the next job', async () => {
      const seen: string[] = [];
      const loop = await on.fetch(async (job) => void seen.push(`paused ${job.id}`));
      await addAll(['before']);
      await on.nothingLeft();
      for (let time = 0; time < 3; time += 1) {
        await loop.pause();
        const other = await on.fetch(async (job) => void seen.push(`other ${job.id}`));
        await addAll([`paused-${time}`]);
        await on.nothingLeft();
        await on.stop(other);
        await loop.resume();
        await addAll([`resumed-${time}`]);
        await on.nothingLeft();
      }
      expect(seen).toEqual([
        'paused before',
        ...[0, 1, 2].flatMap((time) => [`other paused-${time}`, `paused resumed-${time}`]),
      ]);
    });

    it('lets active jobs finish', async () => {
      await addAll(['a-job']);
      const loop = await on.fetch(() => on.stuck.promise);
      await eventually(async () => expect(loop.unfinishedCallbacks).toBe(1));
      await loop.pause();
      on.stuck.resolve();
      await on.nothingLeft();
    });

    it('of a worker with a wrong clock takes no job of another worker', async () => {
      await addAll(['a-job']);
      await on.takeAndDie();
      const seen: string[] = [];
      const loop = await on.fetch(async (job) => void seen.push(job.id ?? ''));
      await loop.pause();
      await sleep(LOCK_MS + 3 * STALLED_MS);
      expect(await on.backend.jobState(on.queue.name, 'a-job')).toBe('active');
      await loop.resume();
      await eventually(async () => expect(seen).toEqual(['a-job']));
    });
  });
});
