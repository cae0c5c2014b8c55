import { Injectable, Logger } from '@nestjs/common';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import type { DeferralReason } from '../isolation/endpoint-gate.js';
import type { Callback } from './callback.js';
import type { DeliveryFailure } from './delivery-outcome.js';

type Subject = Partial<Pick<Callback, 'id' | 'serviceId' | 'callbackType' | 'subjectId'>> & {
  readonly document?: { readonly url: string };
};

/** What an attempt adds to a line. */
export interface AttemptFacts {
  /** From 1, over the callback's whole life. */
  readonly attempt: number;
  readonly durationMs: number;
}

/** The endings that are events of the log by themselves. */
export type GiveUpEvent =
  | 'callback.not_retried'
  | 'callback.retries_exhausted'
  | 'callback.expired'
  | 'callback.cancelled'
  | 'callback.unreadable'
  | 'callback.stalled'
  | 'callback.disabled';

/**
 * The log as a contract (R15): one line an event, structured, through whichever logger the application
 * has. A service's broken server is a warning; an error is a fault of this platform.
 */
@Injectable()
export class CallbackLog {
  private readonly logger = new Logger('ServiceCallbacks');

  constructor(private readonly types: CallbackTypeRegistry) {}

  queued(callback: Callback): void {
    this.logger.log({ event: 'callback.queued', ...this.subject(callback), msg: 'Callback queued' });
  }

  delivered(callback: Callback, facts: AttemptFacts, statusCode: number): void {
    this.logger.log({
      event: 'callback.delivered',
      ...this.subject(callback),
      ...attempt(facts),
      status_code: statusCode,
      msg: 'Callback delivered',
    });
  }

  retrying(callback: Callback, facts: AttemptFacts, failure: DeliveryFailure, nextAttemptAt: number): void {
    this.logger.warn({
      event: 'callback.retrying',
      ...this.subject(callback),
      ...attempt(facts),
      ...reason(failure),
      next_attempt_at: new Date(nextAttemptAt).toISOString(),
      msg: 'Callback failed and is being retried',
    });
  }

  deferred(callback: Callback, why: DeferralReason, until: number): void {
    this.logger.warn({
      event: 'callback.deferred',
      ...this.subject(callback),
      attempt: callback.attempts.length + 1,
      error: why,
      next_attempt_at: new Date(until).toISOString(),
      msg: 'Callback deferred: its endpoint gets no attempt now',
    });
  }

  gaveUp(
    event: GiveUpEvent,
    subject: Subject,
    facts?: AttemptFacts,
    failure?: DeliveryFailure,
    detail?: string,
  ): void {
    this.logger.warn({
      event,
      ...this.subject(subject),
      ...(facts && attempt(facts)),
      ...(failure && reason(failure)),
      ...(detail !== undefined && { error: detail }),
      msg: 'Callback given up and kept as a dead letter',
    });
  }

  /** This platform's own fault: the job is kept and tried again, no attempt is spent. */
  postponed(subject: Subject, error: unknown): void {
    this.logger.error({
      event: 'callback.postponed',
      ...this.subject(subject),
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      msg: 'Callback postponed by a fault of this platform',
    });
  }

  /** A retry goes out as it was sealed: its callback API could not be read again. */
  notRefreshed(subject: Subject, error: unknown): void {
    this.logger.warn({
      event: 'callback.not_refreshed',
      ...this.subject(subject),
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      msg: 'The database did not answer; the retry goes where the callback was first addressed',
    });
  }

  /** The next one that says 410 tries again. */
  notDisabled(callbackApiId: string, error: unknown): void {
    this.logger.warn({
      event: 'endpoint.not_disabled',
      callback_api_id: callbackApiId,
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      msg: 'An endpoint said 410 Gone and could not be disabled now',
    });
  }

  private subject(subject: Subject): Record<string, unknown> {
    const { id, serviceId, callbackType, subjectId, document } = subject;
    const isNotification = callbackType !== undefined && this.types.get(callbackType)?.subjectIsNotification;
    return {
      service_callback_url: document?.url ?? null,
      callback_type: callbackType ?? null,
      callback_id: id ?? null,
      service_id: serviceId ?? null,
      subject_id: subjectId ?? null,
      ...(isNotification && { notification_id: subjectId }),
    };
  }
}

function attempt({ attempt: number, durationMs }: AttemptFacts): Record<string, unknown> {
  return { attempt: number, duration_ms: durationMs };
}

function reason(failure: DeliveryFailure): Record<string, unknown> {
  return failure.statusCode === undefined ? { error: failure.error } : { status_code: failure.statusCode };
}
