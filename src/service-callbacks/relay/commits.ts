import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { dataSourceOf } from '../../database/data-source-of.js';

/** Calls back when a caller's transaction has committed, through TypeORM's own event. */
export class Commits {
  private readonly awaited = new WeakSet<QueryRunner>();
  private readonly dataSources = new Set<DataSource>();
  private readonly subscriber: EntitySubscriberInterface;

  constructor(onCommit: () => void) {
    this.subscriber = {
      afterTransactionCommit: ({ queryRunner }) => {
        // TypeORM also reports the end of a savepoint as a commit.
        if (queryRunner.isTransactionActive || !this.awaited.delete(queryRunner)) return;
        onCommit();
      },
    };
  }

  await(transaction: QueryRunner): void {
    this.awaited.add(transaction);
    const dataSource = dataSourceOf(transaction);
    if (this.dataSources.has(dataSource)) return;
    this.dataSources.add(dataSource);
    dataSource.subscribers.push(this.subscriber);
  }

  stop(): void {
    for (const { subscribers } of this.dataSources)
      subscribers.splice(subscribers.indexOf(this.subscriber), 1);
    this.dataSources.clear();
  }
}
