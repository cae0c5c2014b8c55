import { Injectable } from '@nestjs/common';
import type { Ending } from '../dead-letters/ending.js';
import { DeliveryJournal } from '../delivery-log/delivery-journal.js';
import type { DeferralReason, Lane } from '../isolation/endpoint-gate.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import type { AttemptRecord } from './callback-job.js';
import { CallbackLog, type AttemptFacts } from './callback-log.js';
import type { Callback } from './callback.js';
import type { DeliveryFailure, DeliveryOutcome } from './delivery-outcome.js';

/**
 * What became of a callback is said here, once, and heard by whoever keeps it: the log line (R15), the metrics, the
 * journal of the delivery log. None of them waits, and none can fail a delivery.
 */
@Injectable()
export class DeliveryRecorder {
  constructor(
    private readonly log: CallbackLog,
    private readonly metrics: CallbackMetrics,
    private readonly journal: DeliveryJournal,
  ) {}

  /** @param callback as it was before. @param startedAt Unix ms. @param record what will be remembered of it */
  attempted(callback: Callback, startedAt: number, record: AttemptRecord, outcome: DeliveryOutcome): void {
    this.metrics.attempted(callback, outcome);
    this.journal.attempted(callback, startedAt, record, outcome);
  }

  delivered(callback: Callback, facts: AttemptFacts, statusCode: number, lane: Lane): void {
    this.log.delivered(callback, facts, statusCode);
    this.journal.delivered(callback, lane);
  }

  /** @param nextAttemptAt Unix ms */
  retrying(callback: Callback, facts: AttemptFacts, failure: DeliveryFailure, nextAttemptAt: number): void {
    this.log.retrying(callback, facts, failure, nextAttemptAt);
    this.journal.retrying(callback, nextAttemptAt);
  }

  /** @param until Unix ms */
  deferred(callback: Callback, why: DeferralReason, until: number, lane: Lane): void {
    this.log.deferred(callback, why, until);
    this.journal.deferred(callback, until, lane);
  }

  gaveUp(subject: Partial<Callback> & { readonly id: string }, ending: Ending): void {
    const { reason, facts, failure, detail } = ending;
    this.metrics.gaveUp(subject, reason);
    this.log.gaveUp(`callback.${reason}`, subject, facts, failure, detail);
    this.journal.gaveUp(subject, reason);
  }
}
