import { Queue } from 'bullmq';
import type { EntityManager } from 'typeorm';
import { addJobs } from '../../queues/add-jobs.js';
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

  private async add(jobs: readonly QueuedJob[]): Promise<void> {
    for (const [name, queued] of Map.groupBy(jobs, (job) => job.queue))
      await addJobs(this.queueNamed(name), queued);
  }

  private queueNamed(name: string): Queue {
    const queue = this.queues.find((candidate) => candidate.name === name);
    if (!queue) throw new Error(`There is no queue ${name}`);
    return queue;
  }
}
