import { Queue } from 'bullmq';
import type { EntityManager } from 'typeorm';
import type { PostgresQueueBackend } from '../../queues/postgres-queue-backend.js';
import type { QueuedJob } from '../../queues/queue-backend.js';
import { Enqueuer } from './enqueuer.js';
import { SameDatabase } from './same-database.js';

/** The queue is in the caller's database: the caller's own connection writes the job. */
export class PostgresEnqueuer extends Enqueuer {
  private readonly sameDatabase: SameDatabase;

  constructor(
    private readonly backend: PostgresQueueBackend,
    private readonly queues: readonly Queue[],
  ) {
    super();
    this.sameDatabase = new SameDatabase(backend);
  }

  async assertOurs(manager?: EntityManager): Promise<void> {
    if (manager?.queryRunner?.isTransactionActive) await this.sameDatabase.assert(manager.queryRunner);
  }

  async enqueue(jobs: readonly QueuedJob[], manager?: EntityManager): Promise<void> {
    const connection = manager?.queryRunner;
    if (!connection?.isTransactionActive) return this.add(jobs);
    await this.assertOurs(manager);
    await this.backend.inTransaction(connection, () => this.add(jobs));
  }

  /**
   * One is not a batch of one: for a batch BullMQ makes two temporary tables and drops them, which costs
   * PostgreSQL as much as two dozen single jobs.
   */
  private async add(jobs: readonly QueuedJob[]): Promise<void> {
    for (const [name, queued] of Map.groupBy(jobs, (job) => job.queue)) {
      const queue = this.queueNamed(name);
      const [only, ...others] = queued;
      if (only && others.length === 0) await queue.add(only.name, only.data, only.options);
      else await queue.addBulk(queued.map((job) => ({ name: job.name, data: job.data, opts: job.options })));
    }
  }

  private queueNamed(name: string): Queue {
    const queue = this.queues.find((candidate) => candidate.name === name);
    if (!queue) throw new Error(`There is no queue ${name}`);
    return queue;
  }
}
