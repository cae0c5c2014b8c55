import { Injectable } from '@nestjs/common';
import { isFirstAttempt, type Callback, type PartialCallback } from '../callbacks/callback.js';
import { Clock } from '../clock.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import { HealthChanges, type HealthChange } from './health-changes.js';
import { HOUR_MS, MINUTE_MS } from './outcomes.js';
import { SpanTallies, type Counted, type Tally } from './tallies.js';

/** The most sums of each kind in memory. */
const MAX_SUMS = 10_000;

/** The figures of one flush. */
export interface FigureBatch {
  readonly minutes: readonly Tally[];
  readonly hours: readonly Tally[];
  readonly health: readonly HealthChange[];
}

/**
 * Sums of the outcomes of callbacks, in memory until the flusher takes them. It neither waits nor throws; what does not
 * fit is dropped and counted.
 */
@Injectable()
export class Figures {
  private readonly minutes: SpanTallies;
  private readonly hours: SpanTallies;
  private readonly health: HealthChanges;
  private droppedSoFar = 0;

  constructor(
    private readonly clock: Clock,
    private readonly metrics: CallbackMetrics,
  ) {
    const onDropped = () => this.drop(1);
    this.minutes = new SpanTallies(MINUTE_MS, MAX_SUMS, onDropped);
    this.hours = new SpanTallies(HOUR_MS, MAX_SUMS, onDropped);
    this.health = new HealthChanges(MAX_SUMS, onDropped);
  }

  /** Events that were dropped since the process started. */
  get dropped(): number {
    return this.droppedSoFar;
  }

  /**
   * @param callback before the attempt
   * @param startedAt Unix ms
   */
  attempted(callback: Callback, startedAt: number, outcome: DeliveryOutcome): void {
    const { endpointId, serviceId } = callback;
    if (isFirstAttempt(callback))
      this.minutes.observe(Math.max(0, startedAt - callback.queuedAt), serviceId, serviceId, startedAt);
    this.hours.observe(outcome.durationMs, endpointId, serviceId, startedAt);
    if (outcome.kind !== 'delivered') this.count('failed', callback, startedAt);
    // A person requested the replay: it does not show how long an endpoint has failed.
    if (callback.generation > 0) return;
    if (outcome.kind === 'delivered') {
      this.health.succeeded(endpointId, serviceId, startedAt);
      return;
    }
    const { statusCode, error } = outcome.failure;
    this.health.failed(endpointId, serviceId, startedAt, String(statusCode ?? error));
  }

  delivered(callback: Callback): void {
    this.count('delivered', callback, this.clock.now());
  }

  deferred(callback: PartialCallback): void {
    this.count('deferred', callback, this.clock.now());
  }

  gaveUp(callback: PartialCallback): void {
    this.count('givenUp', callback, this.clock.now());
  }

  take(): FigureBatch {
    return { minutes: this.minutes.take(), hours: this.hours.take(), health: this.health.take() };
  }

  /** Counts events that were dropped. */
  drop(count: number): void {
    this.droppedSoFar += count;
    this.metrics.figuresDropped(count);
  }

  private count(what: Counted, { serviceId, endpointId }: PartialCallback, now: number): void {
    if (serviceId === undefined) return;
    this.minutes.count(what, serviceId, serviceId, now);
    if (endpointId !== undefined) this.hours.count(what, endpointId, serviceId, now);
  }
}
