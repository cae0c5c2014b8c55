import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../observability/describe-error.js';
import { Injectable, Logger } from '@nestjs/common';
import { isStoreFault } from '../../database/store-fault.js';
import { CallbackRepository } from '../callbacks/callback.repository.js';
import type { Settlement } from '../callbacks/state-machine.js';

/** The result of a settlement. */
export type Settled =
  /** The record's state changed. */
  | 'applied'
  /** Another settlement came first, or the record is gone. The attempt is written all the same. */
  | 'late'
  /** Not written: the process stops, or the database rejects it. */
  | 'unwritten';

/** How long settlements are collected, ms, and how many are written at once. */
const FLUSH_MS = 25;
const MAX_FLUSH = 512;
/** The delay after the database did not respond, ms. */
const RETRY_MS = 500;
/** How long a stop waits for the database, ms. */
const LAST_FLUSH_MS = 3_000;

interface Entry {
  readonly settlement: Settlement;
  readonly done: (settled: Settled) => void;
}

/**
 * Writes the dispositions of callbacks, those of all jobs together. They wait in memory while the database does not
 * respond. Their number is bounded: those beyond a full statement keep their permits.
 */
@Injectable()
export class Settler {
  private readonly logger = new Logger('ServiceCallbacks');
  private waiting: Entry[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private stopBy: number | undefined;
  private isUnavailable = false;

  constructor(private readonly callbacks: CallbackRepository) {}

  /**
   * @param accepted called at once, unless a full statement waits already: then the caller keeps its permit until the
   * settlement is written
   */
  settle(settlement: Settlement, accepted: () => void = () => undefined): Promise<Settled> {
    const { promise, resolve } = Promise.withResolvers<Settled>();
    this.waiting.push({ settlement, done: resolve });
    if (this.waiting.length <= MAX_FLUSH) accepted();
    if (this.waiting.length >= MAX_FLUSH) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
    return promise;
  }

  /** From now on a flush continues until nothing waits. What the database does not take in time is dropped. */
  prepareStop(): void {
    this.stopBy = performance.now() + LAST_FLUSH_MS;
  }

  /** Resolves when no settlement waits any more. */
  async stop(): Promise<void> {
    this.flush();
    await this.flushing;
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushing ??= this.writeAll().finally(() => {
      this.flushing = undefined;
      if (this.waiting.length > 0) this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
    });
  }

  private async writeAll(): Promise<void> {
    do await this.write(this.next());
    while (this.waiting.length >= MAX_FLUSH || (this.stopBy !== undefined && this.waiting.length > 0));
  }

  /** A statement can settle a record only once: a second settlement of it goes into a later statement. */
  private next(): Entry[] {
    const taken = new Map<string, Entry>();
    const left: Entry[] = [];
    for (const entry of this.waiting) {
      const { id } = entry.settlement;
      if (taken.size < MAX_FLUSH && !taken.has(id)) taken.set(id, entry);
      else left.push(entry);
    }
    this.waiting = left;
    return [...taken.values()];
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    for (;;) {
      try {
        const applied = await this.callbacks.settle(entries.map(({ settlement }) => settlement));
        this.noteAvailable();
        for (const { settlement, done } of entries)
          done(applied.get(settlement.id) === true ? 'applied' : 'late');
        return;
      } catch (error) {
        if (!isStoreFault(error)) return this.divide(entries, error);
        this.noteUnavailable(error);
        if (this.stopBy !== undefined && performance.now() > this.stopBy) return abandon(entries);
        await sleep(RETRY_MS);
      }
    }
  }

  /** One of the settlements cannot be written: halving finds it, and the others are written. */
  private async divide(entries: readonly Entry[], error: unknown): Promise<void> {
    if (entries.length > 1) {
      const half = entries.length >> 1;
      await this.write(entries.slice(0, half));
      return this.write(entries.slice(half));
    }
    for (const { settlement } of entries)
      this.logger.error({
        event: 'settlement.refused',
        callback_id: settlement.id,
        err: describeError(error),
        msg: 'The database refuses the result of a callback',
      });
    abandon(entries);
  }

  /** Logged once an outage. */
  private noteUnavailable(error: unknown): void {
    if (!this.isUnavailable)
      this.logger.error({
        event: 'store.unavailable',
        err: describeError(error),
        msg: 'Results wait for the database',
      });
    this.isUnavailable = true;
  }

  private noteAvailable(): void {
    if (this.isUnavailable) this.logger.log({ event: 'store.available', msg: 'Results are written again' });
    this.isUnavailable = false;
  }
}

function abandon(entries: readonly Entry[]): void {
  for (const { done } of entries) done('unwritten');
}
