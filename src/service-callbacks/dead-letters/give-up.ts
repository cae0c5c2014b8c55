import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import type { Callback } from '../delivery/callback.js';
import { CallbackLog, type AttemptFacts, type GiveUpEvent } from '../delivery/callback-log.js';
import type { DeliveryFailure } from '../delivery/delivery-outcome.js';
import type { GiveUpReason } from './dead-letter.entity.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import { GivenUpError } from './given-up.error.js';

/** Why, and what is known of the attempt that decided it. */
export interface Ending {
  readonly reason: GiveUpReason;
  readonly facts?: AttemptFacts;
  readonly failure?: DeliveryFailure;
  /** In words, for operators; never bytes from a server or a payload. */
  readonly detail?: string;
}

/** Given up is a place, not a loss (R16): the dead letter is written first, the job is removed after. */
@Injectable()
export class GiveUp {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly log: CallbackLog,
    private readonly clock: Clock,
  ) {}

  /**
   * @param subject a callback, or as much as is known of one; its id is required.
   * @returns the error that ends the job.
   * @throws what the database answers: the job must then be kept.
   */
  async bury(subject: Partial<Callback> & { readonly id: string }, ending: Ending): Promise<GivenUpError> {
    const now = this.clock.now();
    await this.deadLetters.bury({
      id: subject.id,
      serviceId: subject.serviceId ?? null,
      callbackApiId: subject.callbackApiId ?? null,
      callbackType: subject.callbackType ?? 'unknown',
      subjectId: subject.subjectId ?? null,
      url: subject.document?.url ?? null,
      reason: ending.reason,
      detail: ending.detail ?? null,
      document: subject.sealed ?? null,
      generation: subject.generation ?? 0,
      attempts: subject.attempts ?? [],
      queuedAt: new Date(subject.queuedAt ?? now),
      givenUpAt: new Date(now),
      replayRequestedAt: null,
      replayedAt: null,
    });
    const event: GiveUpEvent = `callback.${ending.reason}`;
    this.log.gaveUp(event, subject, ending.facts, ending.failure, ending.detail);
    return new GivenUpError(ending.reason);
  }
}
