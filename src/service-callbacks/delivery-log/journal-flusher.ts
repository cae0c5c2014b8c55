import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeliveryJournal, type JournalBatch } from './delivery-journal.js';
import type { JournalRow } from './journal-rows.js';
import { JournalRepository, type WriteOutcome } from './journal.repository.js';
import { PartitionKeeper } from './partition-keeper.js';

/** How often the journal is written where little happens, ms. */
const FLUSH_MS = 250;
/** Rows a transaction. */
const BATCH = 1_000;
/** After the database did not take a batch, ms. */
const RETRY_MS = 1_000;
/** How long the end of the process may wait for the last of it, ms. */
const LAST_FLUSH_MS = 3_000;

const NO_SUMS = { minutes: [], hours: [], health: [] } as const;

/** Brings the journal to the database, in batches, off the path of deliveries. */
@Injectable()
export class JournalFlusher implements OnApplicationBootstrap {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private isAway = false;

  constructor(
    private readonly journal: DeliveryJournal,
    private readonly repository: JournalRepository,
    private readonly partitions: PartitionKeeper,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** No more will be told: what was, is written where the database takes it in time. */
  async finish(): Promise<void> {
    this.stopping.abort();
    const inTime = new AbortController();
    const timeout = sleep(LAST_FLUSH_MS, undefined, { signal: inTime.signal }).catch(() => undefined);
    await Promise.race([this.running, timeout]);
    inTime.abort();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.untilDue();
      await this.write(this.journal.take(BATCH));
    }
    do await this.write(this.journal.take(BATCH));
    while (!this.journal.isEmpty);
  }

  private async untilDue(): Promise<void> {
    const enough = new AbortController();
    const signal = AbortSignal.any([this.stopping.signal, enough.signal]);
    const timer = sleep(FLUSH_MS, undefined, { signal }).catch(() => undefined);
    await Promise.race([timer, this.journal.untilEnough()]);
    enough.abort();
  }

  private async write(batch: JournalBatch): Promise<void> {
    const rows = batch.rows.filter((row) => this.partitions.covers(row.queued_at));
    await this.writeAll({ ...batch, rows });
  }

  /** Until the database has it: meanwhile the journal fills, and drops what does not fit. */
  private async writeAll(batch: JournalBatch): Promise<void> {
    for (;;) {
      const outcome = await this.attempt(batch);
      if (outcome.kind === 'written') return this.noteBack();
      if (outcome.kind !== 'away') return this.divide(batch, outcome.error);
      this.noteAway(outcome.error);
      if (this.stopping.signal.aborted) return this.journal.drop('rows', batch.rows.length);
      await sleep(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async attempt(batch: JournalBatch): Promise<WriteOutcome> {
    const outcome = await this.repository.write(batch);
    if (outcome.kind !== 'no_partition') return outcome;
    const made = await this.partitions.ensureFor(batch.rows.map((row) => row.queued_at));
    return made.kind === 'away' ? made : this.repository.write(batch);
  }

  /** Something in it is not to be written: halves find it, and the rest is. */
  private async divide(batch: JournalBatch, error: string): Promise<void> {
    const { rows, ...sums } = batch;
    const hasSums = sums.minutes.length + sums.hours.length + sums.health.length > 0;
    if (hasSums && rows.length > 0) {
      await this.writeAll({ ...sums, rows: [] });
      return this.writeAll({ ...NO_SUMS, rows });
    }
    if (rows.length <= 1) return this.refused(rows[0], error);
    const half = rows.length >> 1;
    await this.writeAll({ ...NO_SUMS, rows: rows.slice(0, half) });
    return this.writeAll({ ...NO_SUMS, rows: rows.slice(half) });
  }

  private refused(row: JournalRow | undefined, error: string): void {
    const what = row ? 'rows' : 'figures';
    this.journal.drop(what, 1);
    this.logger.error({
      event: 'delivery_log.refused',
      what,
      ...(row && { callback_id: row.id }),
      error,
      msg: 'The database does not take this part of the delivery log',
    });
  }

  /** Said once an outage, not once a try. */
  private noteAway(error: string): void {
    if (!this.isAway) {
      this.logger.warn({
        event: 'delivery_log.waiting',
        error,
        msg: 'The delivery log waits for the database; deliveries do not',
      });
    }
    this.isAway = true;
  }

  private noteBack(): void {
    this.isAway = false;
  }
}
