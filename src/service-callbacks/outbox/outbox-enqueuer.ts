import type { DataSource, EntityManager } from 'typeorm';
import type { QueuedJob } from '../../queues/queue-backend.js';
import { Enqueuer } from '../producer/enqueuer.js';
import { SameDatabase } from '../producer/same-database.js';
import type { OutboxRepository } from './outbox.repository.js';

/** The queue is elsewhere: the job commits to the outbox, and a relay takes it there. */
export class OutboxEnqueuer extends Enqueuer {
  private readonly sameDatabase: SameDatabase;

  constructor(
    private readonly outbox: OutboxRepository,
    dataSource: DataSource,
  ) {
    super();
    this.sameDatabase = new SameDatabase(dataSource);
  }

  async assertOurs(manager?: EntityManager): Promise<void> {
    if (manager?.queryRunner) await this.sameDatabase.assert(manager.queryRunner);
  }

  async enqueue(jobs: readonly QueuedJob[], manager?: EntityManager): Promise<void> {
    await this.assertOurs(manager);
    await this.outbox.put(jobs, manager);
  }
}
