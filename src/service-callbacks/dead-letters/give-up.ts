import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';
import type { Callback } from '../delivery/callback.js';
import { CallbackLog, type GiveUpEvent } from '../delivery/callback-log.js';
import type { DeadLetterEntity } from './dead-letter.entity.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import type { Ending } from './ending.js';
import { GivenUpError } from './given-up.error.js';
import { UnburiedError } from './unburied.error.js';

/** Characters of a detail that are kept: a job of 5 MB has much to complain about. */
const MAX_DETAIL = 500;

/** Given up is a place, not a loss (R16): the dead letter is written first, the job is removed after. */
@Injectable()
export class GiveUp {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly log: CallbackLog,
    private readonly metrics: CallbackMetrics,
    private readonly clock: Clock,
  ) {}

  /**
   * @param subject a callback, or as much as is known of one; its id is required.
   * @returns the error that ends the job.
   * @throws UnburiedError where the database does not take it: the job must then be kept.
   */
  async bury(subject: Partial<Callback> & { readonly id: string }, ending: Ending): Promise<GivenUpError> {
    const now = this.clock.now();
    const letter: DeadLetterEntity = {
      id: subject.id,
      serviceId: storable(subject.serviceId),
      callbackApiId: storable(subject.callbackApiId),
      callbackType: storable(subject.callbackType) ?? 'unknown',
      subjectId: storable(subject.subjectId),
      url: storable(subject.document?.url),
      reason: ending.reason,
      detail: storable(ending.detail?.slice(0, MAX_DETAIL)),
      document: storable(subject.sealed),
      generation: subject.generation ?? 0,
      attempts: subject.attempts ?? [],
      queuedAt: new Date(subject.queuedAt ?? now),
      givenUpAt: new Date(now),
      replayRequestedAt: null,
      replayedAt: null,
    };
    try {
      await this.deadLetters.bury(letter);
    } catch (error) {
      throw new UnburiedError(subject, ending, error);
    }
    const event: GiveUpEvent = `callback.${ending.reason}`;
    this.metrics.gaveUp(subject, ending.reason);
    this.log.gaveUp(event, subject, ending.facts, ending.failure, ending.detail);
    return new GivenUpError(ending.reason);
  }
}

/** A job nobody can understand may hold what no text column takes; it must still be kept. */
function storable(text: string | undefined): string | null {
  return text?.replaceAll('\0', '').toWellFormed() ?? null;
}
