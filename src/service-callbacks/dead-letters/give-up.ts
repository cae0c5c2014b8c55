import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import type { Callback } from '../delivery/callback.js';
import { CallbackLog } from '../delivery/callback-log.js';
import { DatabaseTurns } from '../delivery/database-turns.js';
import { DeliveryRecorder } from '../delivery/delivery-recorder.js';
import { EndpointSwitch } from '../endpoint-health/endpoint-switch.js';
import type { DeadLetterEntity } from './dead-letter.entity.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import type { Ending } from './ending.js';
import { GivenUpError } from './given-up.error.js';
import { UnburiedError } from './unburied.error.js';

/** Characters of a detail that are kept: a job of 5 MB has much to complain about. */
const MAX_DETAIL = 500;

const GONE = 410;

/** Given up is a place, not a loss (R16): the dead letter is written first, the job is removed after. */
@Injectable()
export class GiveUp {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly log: CallbackLog,
    private readonly recorder: DeliveryRecorder,
    private readonly clock: Clock,
    private readonly endpoints: EndpointSwitch,
    private readonly turns: DatabaseTurns,
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
      replayId: null,
      replayedAt: null,
    };
    try {
      await this.turns.pass(() => this.deadLetters.bury(letter));
    } catch (error) {
      throw new UnburiedError(subject, ending, error);
    }
    this.recorder.gaveUp(subject, ending);
    await this.heedGone(subject, ending);
    return new GivenUpError(ending.reason);
  }

  /** 410 Gone is an endpoint's own wish (Standard Webhooks). It repeats it where it could not be heeded now. */
  private async heedGone({ callbackApiId, document }: Partial<Callback>, { failure }: Ending): Promise<void> {
    if (failure?.statusCode !== GONE || callbackApiId === undefined || document === undefined) return;
    await this.endpoints
      .gone(callbackApiId, document.url)
      .catch((error: unknown) => this.log.notDisabled(callbackApiId, error));
  }
}

/** A job nobody can understand may hold what no text column takes; it must still be kept. */
function storable(text: string | undefined): string | null {
  return text?.replaceAll('\0', '').toWellFormed() ?? null;
}
