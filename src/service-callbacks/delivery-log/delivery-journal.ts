import { Inject, Injectable } from '@nestjs/common';
import type { GiveUpReason } from '../dead-letters/dead-letter.entity.js';
import type { AttemptRecord } from '../delivery/callback-job.js';
import { isFirstOfAll, type Callback } from '../delivery/callback.js';
import type { DeliveryOutcome } from '../delivery/delivery-outcome.js';
import type { Lane } from '../isolation/endpoint-gate.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import { Clock } from '../clock.js';
import type { DeliveryLogOptions } from '../service-callbacks.options.js';
import { DELIVERY_LOG_OPTIONS } from '../tokens.js';
import { HealthChanges, type HealthChange } from './health-changes.js';
import { bounded, rowOf, type JournalRow, type LogSubject, type Standing } from './journal-rows.js';
import { HOUR_MS, MINUTE_MS } from './outcomes.js';
import { SpanTallies, type Tally } from './tallies.js';

/** Rows held at most, while the database does not take them; about 5 MB, 25 MB where each has an excerpt. */
export const MAX_ROWS = 10_000;
/** Sums held at most, of each kind. */
const MAX_SUMS = 10_000;
/** When so many rows wait, they are written without waiting for more. */
const ENOUGH_ROWS = 500;

/** What is written in one go. */
export interface JournalBatch {
  readonly rows: readonly JournalRow[];
  readonly minutes: readonly Tally[];
  readonly hours: readonly Tally[];
  readonly health: readonly HealthChange[];
}

/**
 * What became of callbacks, in memory, until the flusher takes it. Told synchronously, and neither waits nor
 * throws: what does not fit is dropped, oldest rows first, and counted.
 */
@Injectable()
export class DeliveryJournal {
  private rows: JournalRow[] = [];
  private readonly minutes: SpanTallies;
  private readonly hours: SpanTallies;
  private readonly health: HealthChanges;
  /** Kept beside the record, never in it: a record goes on into jobs and dead letters. */
  private readonly excerpts = new WeakMap<AttemptRecord, string>();
  private wake: () => void = () => undefined;
  private droppedSoFar = 0;

  constructor(
    private readonly clock: Clock,
    private readonly metrics: CallbackMetrics,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly options: DeliveryLogOptions,
  ) {
    const onDropped = () => this.drop('figures', 1);
    this.minutes = new SpanTallies(MINUTE_MS, MAX_SUMS, onDropped);
    this.hours = new SpanTallies(HOUR_MS, MAX_SUMS, onDropped);
    this.health = new HealthChanges(MAX_SUMS, onDropped);
  }

  /** What was dropped since the process started: rows, and events that are in no sum. */
  get dropped(): number {
    return this.droppedSoFar;
  }

  get isEmpty(): boolean {
    return this.rows.length === 0;
  }

  /** Resolves when there is enough to be written, at once where there is. */
  untilEnough(): Promise<void> {
    if (this.rows.length >= ENOUGH_ROWS) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.wake = resolve;
    return promise;
  }

  /** @param callback as it was before the attempt. @param record what is remembered of it */
  attempted(callback: Callback, startedAt: number, record: AttemptRecord, outcome: DeliveryOutcome): void {
    const { callbackApiId, serviceId } = callback;
    const isDelivered = outcome.kind === 'delivered';
    if (isFirstOfAll(callback)) {
      const forwardMs = Math.max(0, startedAt - callback.queuedAt);
      this.minutes.observe(forwardMs, serviceId, serviceId, startedAt);
    }
    this.hours.observe(outcome.durationMs, callbackApiId, serviceId, startedAt);
    if (isDelivered) {
      this.health.succeeded(callbackApiId, serviceId, startedAt);
      return;
    }
    const { failure, excerpt } = outcome;
    this.count('failed', callback, startedAt);
    this.health.failed(callbackApiId, serviceId, startedAt, String(failure.statusCode ?? failure.error));
    if (excerpt !== undefined) this.excerpts.set(record, excerpt);
  }

  delivered(callback: Callback, lane: Lane): void {
    const now = this.clock.now();
    this.count('delivered', callback, now);
    const isUntroubled = lane === 'first' && callback.attempts.length === 1;
    if (isUntroubled && this.options.keep === 'failures') return;
    this.keep(callback, { state: 'delivered' }, now);
  }

  /** @param nextAt Unix ms */
  retrying(callback: Callback, nextAt: number): void {
    this.keep(callback, { state: 'retrying', nextAt }, this.clock.now());
  }

  /**
   * Counted where it puts off the first attempt: what is put off goes on to the retry queue and is put off there
   * every few seconds while its circuit is open, and is one callback all the same.
   * @param until Unix ms
   */
  deferred(callback: Callback, until: number, lane: Lane): void {
    const now = this.clock.now();
    if (lane === 'first') this.count('deferred', callback, now);
    this.keep(callback, { state: 'deferred', nextAt: until }, now);
  }

  gaveUp(subject: LogSubject, reason: GiveUpReason): void {
    const now = this.clock.now();
    this.count('givenUp', subject, now);
    this.keep(subject, { state: 'given_up', reason }, now);
  }

  /** The oldest rows, and all sums. */
  take(maxRows: number): JournalBatch {
    const rows = this.rows.length <= maxRows ? this.rows : this.rows.slice(0, maxRows);
    this.rows = this.rows.length <= maxRows ? [] : this.rows.slice(maxRows);
    return {
      rows,
      minutes: this.minutes.take(),
      hours: this.hours.take(),
      health: this.health.take(),
    };
  }

  /** What could not be kept. */
  drop(what: 'rows' | 'figures', count: number): void {
    this.droppedSoFar += count;
    this.metrics.logDropped(what, count);
  }

  private count(
    what: 'delivered' | 'failed' | 'deferred' | 'givenUp',
    subject: LogSubject,
    now: number,
  ): void {
    const serviceId = bounded(subject.serviceId);
    const callbackApiId = bounded(subject.callbackApiId);
    if (serviceId === null) return;
    this.minutes.count(what, serviceId, serviceId, now);
    if (callbackApiId !== null) this.hours.count(what, callbackApiId, serviceId, now);
  }

  private keep(subject: LogSubject, standing: Standing, now: number): void {
    if (this.options.keep === 'off') return;
    if (this.rows.length >= MAX_ROWS) {
      // Some at once: to take one from the front moves all the others.
      this.rows = this.rows.slice(ENOUGH_ROWS);
      this.drop('rows', ENOUGH_ROWS);
    }
    this.rows.push(rowOf(subject, standing, now, this.excerpts));
    if (this.rows.length >= ENOUGH_ROWS) this.wake();
  }
}
