import type { EntityManager } from 'typeorm';
import type { AttemptRecord, GiveUpReason } from '../service-callbacks/callbacks/callback.js';
import type { CallbackRepository, NewCallback } from '../service-callbacks/callbacks/callback.repository.js';
import type { Disposition } from '../service-callbacks/callbacks/state-machine.js';
import { OpenTransactions } from './open-transactions.js';

/** The record of a callback, without a database. */
export interface InMemoryCallback {
  readonly row: NewCallback;
  state: 'uncommitted' | 'pending' | 'scheduled' | 'delivered' | 'given_up';
  reason: GiveUpReason | null;
  /** The time of the next attempt, Unix ms; set while it is open. */
  nextAttemptAt: number | null;
  readonly attempts: AttemptRecord[];
}

/** The callbacks that the producer inserts, and their state. */
export class InMemoryCallbacks implements Pick<CallbackRepository, 'insert'> {
  private records: InMemoryCallback[] = [];
  private readonly transactions = new OpenTransactions();

  /** @param idempotencyMs how long the same news is one callback */
  constructor(private readonly idempotencyMs: number) {}

  /** In the order of the calls, without those that are not committed. */
  get all(): readonly InMemoryCallback[] {
    return this.records.filter(({ state }) => state !== 'uncommitted');
  }

  async insert(news: readonly NewCallback[], manager?: EntityManager): Promise<Map<string, string>> {
    return new Map(news.map((row) => [row.id, this.same(row)?.row.id ?? this.add(row, manager)]));
  }

  settle(record: InMemoryCallback, disposition: Disposition, now: number): void {
    record.nextAttemptAt = null;
    switch (disposition.kind) {
      case 'delivered':
        record.state = 'delivered';
        return;
      case 'giveUp':
        record.state = 'given_up';
        record.reason = disposition.reason;
        return;
      case 'retryAt':
        record.state = 'scheduled';
        record.nextAttemptAt = now + disposition.delayMs;
        return;
      case 'hold':
      case 'return':
        throw new Error(`A test's endpoint is never on hold: ${disposition.kind}`);
    }
  }

  clear(): void {
    this.records = [];
  }

  private same({ news_key, queued_at }: NewCallback): InMemoryCallback | undefined {
    return this.records.find(
      ({ row }) => row.news_key === news_key && queued_at - row.queued_at < this.idempotencyMs,
    );
  }

  private add(row: NewCallback, manager?: EntityManager): string {
    const record: InMemoryCallback = {
      row,
      state: 'uncommitted',
      reason: null,
      nextAttemptAt: row.queued_at,
      attempts: [],
    };
    this.records.push(record);
    const commit = () => void (record.state = 'pending');
    const rollBack = () => void (this.records = this.records.filter((one) => one !== record));
    this.transactions.follow(manager, commit, rollBack);
    return row.id;
  }
}
