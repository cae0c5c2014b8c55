import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { dataSourceOf } from '../database/data-source-of.js';

/** A change in a transaction that is still open. */
interface Pending {
  readonly transaction: QueryRunner;
  /** The depth of its transaction, savepoints included. */
  depth: number;
  readonly onCommit: () => void;
  readonly onRollback: () => void;
}

/** Follows the transactions of a host's own managers to their commit or rollback, savepoints included. */
export class OpenTransactions {
  private readonly followed = new WeakSet<DataSource>();
  private pending: Pending[] = [];

  /** Without an open transaction, the change is committed at once. */
  follow(manager: EntityManager | undefined, onCommit: () => void, onRollback: () => void): void {
    const transaction = manager?.queryRunner;
    if (!transaction?.isTransactionActive) return onCommit();
    this.listen(dataSourceOf(transaction));
    this.pending.push({ transaction, depth: depthOf(transaction), onCommit, onRollback });
  }

  private listen(dataSource: DataSource): void {
    if (this.followed.has(dataSource)) return;
    this.followed.add(dataSource);
    dataSource.subscribers.push({
      afterTransactionCommit: ({ queryRunner }) => this.committed(queryRunner),
      afterTransactionRollback: ({ queryRunner }) => this.rolledBack(queryRunner),
    });
  }

  private committed(transaction: QueryRunner): void {
    const depth = depthOf(transaction);
    for (const one of this.of(transaction)) one.depth = Math.min(one.depth, depth);
    if (depth === 0) for (const { onCommit } of this.take(transaction, depth - 1)) onCommit();
  }

  private rolledBack(transaction: QueryRunner): void {
    for (const { onRollback } of this.take(transaction, depthOf(transaction))) onRollback();
  }

  private of(transaction: QueryRunner): readonly Pending[] {
    return this.pending.filter((one) => one.transaction === transaction);
  }

  /** The changes at a greater depth. */
  private take(transaction: QueryRunner, depth: number): readonly Pending[] {
    const taken = this.of(transaction).filter((one) => one.depth > depth);
    this.pending = this.pending.filter((one) => !taken.includes(one));
    return taken;
  }
}

/** TypeORM counts savepoints in a protected field. */
function depthOf(transaction: QueryRunner): number {
  return (transaction as unknown as { readonly transactionDepth: number }).transactionDepth;
}
