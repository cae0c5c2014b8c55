import { Injectable } from '@nestjs/common';
import {
  HOLD_REASONS,
  type AttemptRecord,
  type Callback,
  type DeferralReason,
  type GiveUpReason,
  type PartialCallback,
} from '../callbacks/callback.js';
import type { ReportedRow, TakenRow } from '../callbacks/callback.repository.js';
import { CallbackHandlers } from '../events/callback-handlers.js';
import { deliveredEvent, givenUpEvent, retryingEvent } from '../events/settled-events.js';
import type { DeliveryFailure, DeliveryOutcome } from '../transport/delivery-outcome.js';
import { Figures } from '../figures/figures.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import { CallbackLogger, type AttemptFacts } from './callback-logger.js';

/** Why a callback was given up, and the attempt that decided it. */
export interface GiveUpCause {
  readonly reason: GiveUpReason;
  readonly facts?: AttemptFacts | undefined;
  readonly failure?: DeliveryFailure | undefined;
  /** In words for operators; never bytes from a server or a payload. */
  readonly detail?: string | undefined;
  /** A fault of this platform. */
  readonly error?: Error | undefined;
}

/**
 * Reports each event of a callback once to the log, the metrics, the figures and the host's handlers. None of them
 * waits, and none can fail a delivery.
 */
@Injectable()
export class CallbackRecorder {
  constructor(
    private readonly logger: CallbackLogger,
    private readonly metrics: CallbackMetrics,
    private readonly figures: Figures,
    private readonly handlers: CallbackHandlers,
  ) {}

  /** @param startedAt Unix ms */
  attemptStarted(callback: Callback, startedAt: number, wasDeferred: boolean): void {
    this.metrics.attemptStarted(callback, startedAt, wasDeferred);
  }

  /**
   * @param callback before the attempt
   * @param startedAt Unix ms
   */
  attempted(callback: Callback, startedAt: number, outcome: DeliveryOutcome): void {
    this.metrics.attempted(callback, outcome);
    this.figures.attempted(callback, startedAt, outcome);
  }

  delivered(callback: Callback, facts: AttemptFacts, statusCode: number): void {
    this.logger.delivered(callback, facts, statusCode);
    this.metrics.delivered(callback);
    this.figures.delivered(callback);
    this.handlers.emit('delivered', () => deliveredEvent(callback, facts, statusCode));
  }

  /** @param nextAttemptAt Unix ms */
  retrying(callback: Callback, facts: AttemptFacts, failure: DeliveryFailure, nextAttemptAt: number): void {
    this.logger.retrying(callback, facts, failure, nextAttemptAt);
    this.handlers.emit('retrying', () => retryingEvent(callback, facts, failure, nextAttemptAt));
  }

  /** @param nextAttemptAt Unix ms */
  deferred(callback: Callback, why: DeferralReason, nextAttemptAt: number): void {
    this.metrics.deferred(why);
    if (isKnownDeferral(callback.deferral, why)) return;
    this.logger.deferred(callback, why, nextAttemptAt);
    this.figures.deferred(callback);
  }

  /**
   * Deferred by the relay.
   * @param nextAttemptAt Unix ms
   */
  deferredByRelay(row: TakenRow, why: DeferralReason, nextAttemptAt: number): void {
    const callback = callbackOf(row);
    this.metrics.deferred(why);
    if (isKnownDeferral(row.detail ?? undefined, why)) return;
    this.logger.deferred({ ...callback, attempts: row.attempt_count }, why, nextAttemptAt);
    this.figures.deferred(callback);
  }

  gaveUp(callback: PartialCallback, { reason, facts, failure, detail, error }: GiveUpCause): void {
    this.metrics.gaveUp(callback, reason);
    this.logger.gaveUp(reason, callback, facts, failure, detail, error);
    this.figures.gaveUp(callback);
    this.handlers.emit('given_up', () => givenUpEvent(callback, reason, { facts, failure, detail }));
  }

  /** Given up by management, the relay or the sweep. */
  gaveUpRow(row: ReportedRow, reason: GiveUpReason, fault: Pick<GiveUpCause, 'detail' | 'error'> = {}): void {
    this.gaveUp(callbackOf(row), { reason, ...fault, ...lastAttemptOf(row) });
  }

  /** A fault of this platform: the callback is tried again, and no attempt is spent. */
  postponed(callback: PartialCallback, error: unknown): void {
    this.logger.postponed(callback, error);
  }
}

/** After an earlier deferral, only a hold is logged. */
function isKnownDeferral(earlier: DeferralReason | undefined, why: DeferralReason): boolean {
  return earlier !== undefined && !HOLD_REASONS.some((reason) => reason === why);
}

function callbackOf(row: ReportedRow): PartialCallback {
  return {
    id: row.id,
    serviceId: row.service_id ?? undefined,
    endpointId: row.endpoint_id ?? undefined,
    callbackType: row.callback_type,
    subjectId: row.subject_id ?? undefined,
    url: row.url ?? undefined,
  };
}

/** The last attempt of a callback that is given up without another one. */
export function lastAttemptOf({
  attempt_count: attempt,
  last_attempt: last,
}: Pick<ReportedRow, 'attempt_count' | 'last_attempt'>): Pick<GiveUpCause, 'facts' | 'failure'> {
  return last ? { facts: { attempt, durationMs: last.duration_ms }, failure: failureOf(last) } : {};
}

function failureOf({ status_code: statusCode, error }: AttemptRecord): DeliveryFailure | undefined {
  if (statusCode !== undefined) return { statusCode };
  return error === undefined ? undefined : { error: error as DeliveryFailure['error'] & string };
}
