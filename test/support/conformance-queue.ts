import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { FetchLoop } from '../../src/service-callbacks/queues/fetch-loop.js';
import type { FetchingWorker } from '../../src/service-callbacks/queues/fetching-worker.js';
import type { AnyJob, QueueBackend } from '../../src/service-callbacks/queues/queue-backend.js';
import { openTestedBackend } from './conformance-backend.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { eventually } from './eventually.js';
import { startForwarder, type Forwarder } from './faults/forwarder.js';

/** How long a lock lasts, and the interval of the check for stalled jobs, ms. */
export const LOCK_MS = 600;
export const STALLED_MS = 300;

/** @returns `keep`, or nothing if the job is to be completed */
export type Process = (job: AnyJob, freed: () => void) => Promise<'keep' | void>;

export interface LoopOptions {
  /** Default 1. */
  readonly permits?: number;
  /** Callbacks of a job; default 1 each. */
  readonly sizeOf?: (job: AnyJob) => number;
  /** Locks are renewed at a third of it. Default: as long as they last. */
  readonly lockDurationMs?: number;
}

/** A queue of each test's own on the backend under test, without the service, and loops that end with it. */
export class ConformanceQueue {
  database!: TestDatabase;
  backend!: QueueBackend;
  queue!: Queue;
  /** What the store reported to the loops. */
  errors: unknown[] = [];
  /** The ids of the jobs that the loops fetched, in order. */
  handedOut: string[] = [];
  /** How often the loops asked for a job. */
  fetches = 0;
  /** Whether the last loop that fetched got no job: it waits for one. */
  isDrained = false;
  /** Never resolves before the test ends; processors wait for it. */
  stuck = Promise.withResolvers<void>();
  private forwarder!: Forwarder;
  private storePort = 0;
  private loops: FetchLoop[] = [];
  private workers: FetchingWorker[] = [];

  /** Before all. */
  async open(): Promise<void> {
    Logger.overrideLogger(false);
    this.database = await createTestDatabase();
    const timing = { lockDurationMs: LOCK_MS, stalledIntervalMs: STALLED_MS };
    this.backend = await openTestedBackend(this.database.url, timing, async (url) => {
      const route = new URL(url);
      this.storePort = Number(route.port);
      this.forwarder = await startForwarder(this.storePort);
      route.port = String(this.forwarder.port);
      return route.href;
    });
  }

  /** Before each. */
  async begin(): Promise<void> {
    this.queue = this.backend.createQueue(`conformance-${randomUUID()}`);
    this.queue.on('error', () => undefined);
    await this.queue.waitUntilReady();
    this.errors = [];
    this.handedOut = [];
    this.fetches = 0;
    this.isDrained = false;
    this.loops = [];
    this.workers = [];
    this.stuck = Promise.withResolvers();
  }

  /** After each. */
  async end(): Promise<void> {
    this.stuck.resolve();
    await this.storeResponds();
    await Promise.all(this.loops.map((loop) => loop.stop()));
    await Promise.all(this.workers.map((worker) => worker.close(true)));
    await this.queue.close();
  }

  /** After all. */
  async close(): Promise<void> {
    await this.backend.close();
    await this.forwarder.down();
    await this.database.drop();
  }

  /** Breaks every connection to the store, and refuses new ones. */
  storeIsUnavailable(): Promise<void> {
    return this.forwarder.down();
  }

  async storeResponds(): Promise<void> {
    await this.forwarder.up(this.storePort);
    await eventually(() => this.backend.ping());
  }

  /** Adds a job as the relay does. */
  add(id: string, data: unknown = {}, goesFirst = true): Promise<void> {
    return this.backend.add({ queue: this.queue.name, name: 'job', id, data, goesFirst });
  }

  /** A loop that is not started. */
  async loop(process: Process, options: LoopOptions = {}): Promise<FetchLoop> {
    const { permits = 1, sizeOf = () => 1, lockDurationMs = LOCK_MS } = options;
    const onError = (error: unknown) => void this.errors.push(error);
    const worker = await this.backend.createWorker(this.queue.name);
    worker.on('error', onError);
    worker.on('drained', () => {
      this.isDrained = true;
    });
    const getNextJob = worker.getNextJob.bind(worker);
    worker.getNextJob = async (...args) => {
      this.fetches += 1;
      const job = (await getNextJob(...args)) as AnyJob | undefined;
      if (job) {
        this.isDrained = false;
        this.handedOut.push(job.id ?? '');
      }
      return job as AnyJob;
    };
    const processor = {
      sizeOf,
      process: async (job: AnyJob, freed: () => void) => (await process(job, freed)) ?? ('complete' as const),
    };
    const loop = new FetchLoop(worker, processor, { permits, lockDurationMs, onError });
    this.loops.push(loop);
    return loop;
  }

  /** A loop that fetches until the test ends. */
  async fetch(process: Process, options?: LoopOptions): Promise<FetchLoop> {
    const loop = await this.loop(process, options);
    loop.start();
    await loop.resume();
    return loop;
  }

  /** Stops it before the test ends. */
  async stop(loop: FetchLoop): Promise<void> {
    this.loops = this.loops.filter((other) => other !== loop);
    await loop.stop();
  }

  /** Takes a job like a process that ends right after that: its lock is not renewed. */
  async takeAndDie(): Promise<AnyJob> {
    const worker = await this.backend.createWorker(this.queue.name);
    worker.on('error', () => undefined);
    this.workers.push(worker);
    const job = await worker.getNextJob(`dead:${randomUUID()}`, { block: false });
    if ((job as AnyJob | undefined) === undefined) throw new Error('no job waits');
    return job;
  }

  nothingLeft(): Promise<void> {
    return eventually(async () => {
      const left = await this.queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized');
      if (left > 0) throw new Error(`${left} jobs are in the queue`);
    });
  }
}
