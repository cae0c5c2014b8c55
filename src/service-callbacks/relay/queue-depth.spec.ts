import { describe, expect, it } from '@jest/globals';
import { QueueDepth } from './queue-depth.js';

const BATCH = 32;

/** A queue and a clock that a test sets. */
function aQueue() {
  const queue = { first: 0, waiting: 0, now: 0, measured: 0, takesMs: 0 };
  const backend = {
    waitingJobs: async () => {
      queue.measured += 1;
      queue.now += queue.takesMs;
      return { first: queue.first, later: queue.waiting };
    },
  };
  const depth = new QueueDepth(backend, 'a-queue', BATCH, () => queue.now);
  return { queue, depth };
}

async function roomOf({ depth }: ReturnType<typeof aQueue>): Promise<number> {
  await depth.update();
  return depth.room;
}

const later = (count: number) => Array.from({ length: count }, () => ({ goesFirst: false }));

/**
 * Adds as many jobs as there is room for.
 * @returns how many
 */
async function fill(aOne: ReturnType<typeof aQueue>): Promise<number> {
  const jobs = Math.ceil((await roomOf(aOne)) / BATCH);
  aOne.depth.add(later(jobs));
  aOne.queue.waiting += jobs;
  return jobs;
}

describe('the depth of a queue', () => {
  it('is a thousand callbacks at the start', async () => {
    expect(await roomOf(aQueue())).toBe(1_024);
  });

  it('is measured ten times a second while little is in it', async () => {
    const { queue, depth } = aQueue();
    depth.add(later(3));
    queue.now += 99;
    await depth.update();
    expect(depth.room).toBe(1_024 - 3 * BATCH);
    expect(queue.measured).toBe(0);
    queue.now += 1;
    await depth.update();
    expect(queue.measured).toBe(1);
    depth.add(later(17));
    await depth.update();
    await depth.update();
    expect(queue.measured).toBe(2);
  });

  it('does not shrink because of a job that was just added', async () => {
    const { queue, depth } = aQueue();
    for (let jobs = 0; jobs < 20; jobs += 1) {
      depth.add(later(1));
      queue.waiting = 1;
      queue.now += 500;
      await depth.update();
    }
    expect(depth.room).toBe(1_024 - BATCH);
  });

  it('is measured less often if that takes long, at least once a second', async () => {
    const { queue, depth } = aQueue();
    depth.add(later(3));
    queue.now += 100;
    queue.takesMs = 20;
    await depth.update();
    depth.add(later(1));
    queue.now += 399;
    await depth.update();
    expect(queue.measured).toBe(1);
    queue.takesMs = 500;
    queue.now += 1;
    await depth.update();
    depth.add(later(1));
    queue.now += 1_000;
    await depth.update();
    expect(queue.measured).toBe(3);
  });

  it('grows while the queue runs empty, to a bound', async () => {
    const { queue, depth } = aQueue();
    const rooms: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      depth.add(later(40));
      queue.now += 10;
      await depth.update();
      rooms.push(depth.room);
    }
    expect(rooms).toEqual([2_048, 4_096, 4_096, 4_096, 4_096]);
  });

  it('shrinks to one batch if nothing is fetched, and has no room then', async () => {
    const aOne = aQueue();
    await fill(aOne);
    for (let round = 0; round < 12; round += 1) {
      aOne.queue.now += 1_000;
      await roomOf(aOne);
    }
    expect(await roomOf(aOne)).toBe(0);
    aOne.queue.waiting = 1;
    aOne.queue.now += 1e9;
    // One job waits, and a window is at least one job.
    expect(await roomOf(aOne)).toBe(0);
  });

  it('follows what is fetched: a quarter of a second of it waits', async () => {
    const aOne = aQueue();
    // Eight jobs, 256 callbacks, every 100 ms: 640 in 250 ms.
    for (let round = 0; round < 60; round += 1) {
      await fill(aOne);
      aOne.queue.now += 100;
      aOne.queue.waiting -= Math.min(8, aOne.queue.waiting - 1);
    }
    const waiting = aOne.queue.waiting * BATCH;
    expect(waiting).toBeGreaterThan(640 * 0.5);
    expect(waiting).toBeLessThan(640 * 1.5);
  });

  it('never has negative room, also if others add to the queue', async () => {
    const { queue, depth } = aQueue();
    depth.add(later(10));
    queue.waiting = 5_000;
    queue.now += 10;
    await depth.update();
    expect(depth.room).toBe(0);
  });

  it('has room again as soon as the queue runs empty, however small it has become', async () => {
    const aOne = aQueue();
    await fill(aOne);
    for (let round = 0; round < 12; round += 1) {
      aOne.queue.now += 1_000;
      await roomOf(aOne);
    }
    const rooms: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      aOne.queue.waiting = 0;
      aOne.queue.now += 1_000;
      const room = await roomOf(aOne);
      rooms.push(room);
      // One callback is due, and is a job of its own.
      if (room > 0) aOne.depth.add(later(1));
    }
    expect(rooms).not.toContain(0);
  });

  it('has room for jobs that go first, whatever else waits', async () => {
    const aOne = aQueue();
    await fill(aOne);
    expect(await roomOf(aOne)).toBe(0);
    expect(aOne.depth.roomForFirst).toBeGreaterThan(0);
    aOne.depth.add(Array.from({ length: 40 }, () => ({ goesFirst: true })));
    expect(aOne.depth.roomForFirst).toBe(0);
  });

  it('has such room for the first jobs after an idle time', async () => {
    const { queue, depth } = aQueue();
    queue.now += 3_600_000;
    depth.add(later(3));
    expect(depth.roomForFirst).toBe(1_024);
  });

  it('has no such room while they keep all others from being fetched, and has it again when one is', async () => {
    const aOne = aQueue();
    await fill(aOne);
    await roomOf(aOne);
    aOne.queue.first = 1;
    aOne.queue.now += 1_001;
    await roomOf(aOne);
    expect(aOne.depth.roomForFirst).toBe(0);
    aOne.queue.first = 0;
    aOne.queue.waiting -= 1;
    await roomOf(aOne);
    expect(aOne.depth.roomForFirst).toBeGreaterThan(0);
  });

  it('passes on that the queue does not respond, and works when it does', async () => {
    let isUnavailable = true;
    const backend = {
      waitingJobs: async () => {
        if (isUnavailable) throw new Error('unavailable');
        return { first: 0, later: 0 };
      },
    };
    const depth = new QueueDepth(backend, 'a-queue', BATCH, () => 0);
    depth.add(later(10));
    await expect(depth.update()).rejects.toThrow('unavailable');
    isUnavailable = false;
    await depth.update();
    expect(depth.room).toBeGreaterThan(0);
  });
});
