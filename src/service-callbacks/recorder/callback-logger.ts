import { Injectable, Logger } from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import type { Callback, DeferralReason, GiveUpReason, PartialCallback } from '../callbacks/callback.js';
import type { DeliveryFailure } from '../transport/delivery-outcome.js';

/** Fields that an attempt adds to a line. */
export interface AttemptFacts {
  /** From 1, over all generations. */
  readonly attempt: number;
  readonly durationMs: number;
}

/**
 * Writes the log lines of callbacks, which are a contract: one for each event, through the application's logger. A
 * service's broken server is a warning; an error is a fault of this platform.
 */
@Injectable()
export class CallbackLogger {
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
      ...response(failure),
      next_attempt_at: new Date(nextAttemptAt).toISOString(),
      msg: 'Callback failed and is being retried',
    });
  }

  deferred(
    callback: PartialCallback & Pick<Callback, 'attempts'>,
    why: DeferralReason,
    nextAttemptAt: number,
  ): void {
    this.logger.warn({
      event: 'callback.deferred',
      ...this.subject(callback),
      attempt: callback.attempts + 1,
      error: why,
      next_attempt_at: new Date(nextAttemptAt).toISOString(),
      msg: 'Callback deferred: its endpoint gets no attempt now',
    });
  }

  gaveUp(
    reason: GiveUpReason,
    callback: PartialCallback,
    facts?: AttemptFacts,
    failure?: DeliveryFailure,
    detail?: string,
    error?: Error,
  ): void {
    const line = {
      event: `callback.${reason}`,
      ...this.subject(callback),
      ...(facts && attempt(facts)),
      ...(failure && response(failure)),
      ...(detail !== undefined && { error: detail }),
      ...(error && { err: describeError(error) }),
      msg: 'Callback given up and kept as a dead letter',
    };
    // Only a fault of this platform makes a callback unreadable.
    if (reason === 'unreadable') this.logger.error(line);
    else this.logger.warn(line);
  }

  /** A fault of this platform: the callback is tried again, and no attempt is spent. */
  postponed(callback: PartialCallback, error: unknown): void {
    this.logger.error({
      event: 'callback.postponed',
      ...this.subject(callback),
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      err: describeError(error),
      msg: 'Callback postponed by a fault of this platform',
    });
  }

  private subject(callback: PartialCallback): Record<string, unknown> {
    const { id, serviceId, callbackType, subjectId, url } = callback;
    const isNotification = callbackType !== undefined && this.types.get(callbackType)?.subjectIsNotification;
    return {
      service_callback_url: url ?? null,
      callback_type: callbackType ?? null,
      callback_id: id,
      service_id: serviceId ?? null,
      subject_id: subjectId ?? null,
      ...(isNotification && { notification_id: subjectId }),
    };
  }
}

function attempt({ attempt: number, durationMs }: AttemptFacts): Record<string, unknown> {
  return { attempt: number, duration_ms: durationMs };
}

function response(failure: DeliveryFailure): Record<string, unknown> {
  return failure.statusCode === undefined ? { error: failure.error } : { status_code: failure.statusCode };
}
