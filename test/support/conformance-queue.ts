import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Queue, Worker } from 'bullmq';
import type { AnyJob, QueueBackend, QueueWorkerOptions } from '../../src/queues/queue-backend.js';
import { openTestedBackend } from './conformance-backend.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { eventually } from './eventually.js';

/** How long a worker may be silent before its jobs become another's, ms. */
export const LOCK_MS = 600;
export const GONE = { removeOnComplete: true, removeOnFail: true } as const;

export type Process = (job: AnyJob, token?: string) => Promise<void>;

/** A queue of each test's own on the backend under test, without the service, and workers that end with it. */
export class ConformanceQueue {
  database!: TestDatabase;
  backend!: QueueBackend;
  queue!: Queue;
  workers: Worker[] = [];
  /** For what a processor waits for that shall not end before the test does. */
  stuck = Promise.withResolvers<void>();

  /** Before all. */
  async open(): Promise<void> {
    Logger.overrideLogger(false);
    this.database = await createTestDatabase();
    this.backend = await openTestedBackend(this.database.url, {
      lockDurationMs: LOCK_MS,
      stalledIntervalMs: 300,
    });
  }

  /** Before each. */
  begin(): void {
    this.queue = this.backend.createQueue(`conformance-${randomUUID()}`);
    this.workers = [];
    this.stuck = Promise.withResolvers();
  }

  /** After each. */
  async end(): Promise<void> {
    this.stuck.resolve();
    await Promise.all(this.workers.map((worker) => worker.close(true)));
    await this.queue.close();
  }

  /** After all. */
  async close(): Promise<void> {
    await this.backend.close();
    await this.database.drop();
  }

  work(process: Process, options: Partial<QueueWorkerOptions> = {}): Worker {
    const worker = this.backend.createWorker(this.queue.name, (job: AnyJob, token) => process(job, token), {
      maxStalledCount: 1_000_000,
      ...options,
    });
    worker.on('error', () => undefined);
    this.workers.push(worker);
    void worker.run();
    return worker;
  }

  nothingLeft(): Promise<void> {
    return eventually(async () => {
      const left = await this.queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized');
      if (left > 0) throw new Error(`${left} jobs stand in the queue`);
    });
  }
}
