import { Injectable } from '@nestjs/common';
import { Counter, Histogram, Registry } from 'prom-client';
import {
  DEFERRAL_REASONS,
  GIVE_UP_REASONS,
  isFirstAttempt,
  type Callback,
  type DeferralReason,
  type GiveUpReason,
  type PartialCallback,
} from '../callbacks/callback.js';

import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';

/** What can happen to an endpoint as a whole. */
const ENDPOINT_CHANGES = ['warned', 'disabled', 'enabled', 'recovered'] as const;

/** The buckets of GOV.UK Notify, seconds. */
const FORWARD_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** Buckets up to the longest sensible deadline, seconds. */
const ATTEMPT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Counts and times of callbacks, for Prometheus. Every label has a bounded set of values: never a URL, never a service.
 * They are in a registry of the module's own, which a host serves with its metrics.
 */
@Injectable()
export class CallbackMetrics {
  readonly registry = new Registry();

  private readonly forwardDuration = new Histogram({
    name: 'service_callback_forward_duration_seconds',
    help: 'From the enqueue of a callback to the start of its first attempt, without replays; deferred: it waited for its endpoint',
    labelNames: ['callback_type', 'deferred'],
    buckets: FORWARD_BUCKETS,
    registers: [this.registry],
  });

  private readonly attemptDuration = new Histogram({
    name: 'service_callback_attempt_duration_seconds',
    help: 'One attempt, from the DNS lookup to the decision',
    labelNames: ['callback_type', 'outcome'],
    buckets: ATTEMPT_BUCKETS,
    registers: [this.registry],
  });

  private readonly attempts = new Counter({
    name: 'service_callback_attempts_total',
    help: 'Attempts by status code, or by the reason why there was no response',
    labelNames: ['callback_type', 'outcome', 'reason'],
    registers: [this.registry],
  });

  private readonly outcomes = new Counter({
    name: 'service_callback_outcomes_total',
    help: 'Finished callbacks: delivered, or given up for a reason',
    labelNames: ['callback_type', 'outcome'],
    registers: [this.registry],
  });

  private readonly droppedFigures = new Counter({
    name: 'service_callback_figures_dropped_total',
    help: 'Events that the figures had to drop, because the database did not accept them',
    registers: [this.registry],
  });

  private readonly deferrals = new Counter({
    name: 'service_callback_deferred_total',
    help: 'How often callbacks were postponed without an attempt',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  private readonly endpointChanges = new Counter({
    name: 'service_callback_endpoint_changes_total',
    help: 'Endpoints that were warned, disabled, enabled, or recovered',
    labelNames: ['change'],
    registers: [this.registry],
  });

  constructor(private readonly types: CallbackTypeRegistry) {
    // Series begin with 0, so that the first event is an increase.
    for (const change of ENDPOINT_CHANGES) this.endpointChanges.inc({ change }, 0);
    for (const reason of DEFERRAL_REASONS) this.deferrals.inc({ reason }, 0);
    for (const callback_type of [...types.types(), 'unknown'])
      for (const outcome of ['delivered', ...GIVE_UP_REASONS])
        this.outcomes.inc({ callback_type, outcome }, 0);
  }

  /**
   * @param startedAt Unix ms
   * @param wasDeferred the endpoint may have caused the delay
   */
  attemptStarted(callback: Callback, startedAt: number, wasDeferred: boolean): void {
    if (!isFirstAttempt(callback)) return;
    const seconds = Math.max(0, startedAt - callback.queuedAt) / 1_000;
    const labels = { callback_type: this.typeLabel(callback), deferred: String(wasDeferred) };
    this.forwardDuration.observe(labels, seconds);
  }

  attempted(callback: Callback, outcome: DeliveryOutcome): void {
    const callback_type = this.typeLabel(callback);
    const reason = String(
      outcome.kind === 'delivered'
        ? outcome.statusCode
        : (outcome.failure.statusCode ?? outcome.failure.error),
    );
    this.attemptDuration.observe({ callback_type, outcome: outcome.kind }, outcome.durationMs / 1_000);
    this.attempts.inc({ callback_type, outcome: outcome.kind, reason });
  }

  delivered(callback: Callback): void {
    this.outcomes.inc({ callback_type: this.typeLabel(callback), outcome: 'delivered' });
  }

  gaveUp(callback: PartialCallback, reason: GiveUpReason): void {
    this.outcomes.inc({ callback_type: this.typeLabel(callback), outcome: reason });
  }

  /** Events that the figures had to drop. */
  figuresDropped(count: number): void {
    this.droppedFigures.inc(count);
  }

  deferred(reason: DeferralReason): void {
    this.deferrals.inc({ reason });
  }

  endpointChanged(change: (typeof ENDPOINT_CHANGES)[number]): void {
    this.endpointChanges.inc({ change });
  }

  /** A job may have any text as its type; only the types of this process are labels. */
  private typeLabel({ callbackType }: Partial<Callback>): string {
    return callbackType !== undefined && this.types.has(callbackType) ? callbackType : 'unknown';
  }
}
