import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CallbackApiRepository } from '../callback-apis/callback-api.repository.js';
import { Clock } from '../clock.js';
import { retryJob } from '../delivery/queued-jobs.js';
import { destinationOf } from '../delivery/destination.js';
import { DocumentOpener } from '../delivery/document-opener.js';
import { DocumentSealer } from '../delivery/document-sealer.js';
import { RetryPolicy } from '../delivery/retry-policy.js';
import { Enqueuer } from '../producer/enqueuer.js';
import { currentCarrier } from '../tracing/tracing.js';
import { CorruptCiphertextError } from '../security/corrupt-ciphertext.error.js';
import { UnknownEncryptionKeyError } from '../security/unknown-encryption-key.error.js';
import type { DeadLetterEntity } from './dead-letter.entity.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import { ReplayRunRepository } from './replay-run.repository.js';
import { ReplayTally } from './replay-tally.js';

/** What pressing replay did. */
export type ReplayResult =
  | { readonly kind: 'queued' }
  /** It is on its way already: pressed twice, sent once. */
  | { readonly kind: 'already_replayed' }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Sends a given-up callback again (R16): under its own id, to the callback API as it is now, as a new
 * generation of its retry job. The row and the job commit together.
 */
@Injectable()
export class Replay {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly runs: ReplayRunRepository,
    private readonly callbackApis: CallbackApiRepository,
    private readonly opener: DocumentOpener,
    private readonly sealer: DocumentSealer,
    private readonly enqueuer: Enqueuer,
    private readonly policy: RetryPolicy,
    private readonly clock: Clock,
  ) {}

  /** @returns null where the service has no such dead letter. */
  one(serviceId: string, id: string): Promise<ReplayResult | null> {
    return this.deadLetters.transaction(async (manager) => {
      const letter = await this.deadLetters.lock(serviceId, id, manager);
      return letter && this.enqueue(letter, manager);
    });
  }

  /** The next few whose replay was asked for. @returns how many there were. */
  batch(limit: number): Promise<number> {
    return this.deadLetters.transaction(async (manager) => {
      const letters = await this.deadLetters.lockRequested(limit, manager);
      const tally = new ReplayTally();
      for (const letter of letters) {
        const result = await this.enqueue(letter, manager);
        if (result.kind !== 'queued') {
          const detail = result.kind === 'refused' ? { detail: result.why } : {};
          await this.deadLetters.update(letter.id, { replayRequestedAt: null, ...detail }, manager);
        }
        tally.add(letter.replayId, result.kind === 'refused' ? 'refused' : 'queued');
      }
      await this.runs.advance(tally, new Date(this.clock.now()), manager);
      return letters.length;
    });
  }

  private async enqueue(letter: DeadLetterEntity, manager: EntityManager): Promise<ReplayResult> {
    if (letter.replayedAt) return { kind: 'already_replayed' };
    const { id, serviceId, callbackType, subjectId, document } = letter;
    if (document === null || serviceId === null || subjectId === null) {
      return { kind: 'refused', why: 'it never had a document that could be sent' };
    }
    const opened = this.opener.open(document, id);
    if (opened.kind === 'closed') return { kind: 'refused', why: opened.detail };
    const target = await this.targetOf(serviceId, callbackType, manager);
    if (target instanceof Error) return { kind: 'refused', why: target.message };
    if (!target)
      return { kind: 'refused', why: `the service has no callback API of type ${callbackType} now` };
    if (target.isDisabled)
      return { kind: 'refused', why: `callback API ${target.callbackApiId} is disabled: enable it first` };

    const generation = letter.generation + 1;
    const now = this.clock.now();
    const sendable = { ...opened.document, ...destinationOf(target) };
    const callback = {
      id,
      serviceId,
      callbackType,
      subjectId,
      callbackApiId: target.callbackApiId,
      queuedAt: now,
      generation,
      generationStart: letter.attempts.length,
      attempts: letter.attempts,
      document: sendable,
      trace: currentCarrier(),
      sealed: this.sealer.seal(id, sendable),
    };
    const { maxRetries } = this.policy;
    await this.enqueuer.enqueue([retryJob(callback, { maxRetries, dueAt: now, now })], manager);
    await this.deadLetters.update(
      id,
      { generation, replayRequestedAt: null, replayedAt: new Date(now) },
      manager,
    );
    return { kind: 'queued' };
  }

  /** A token nobody can decrypt any more is this letter's trouble: the others of its batch go on. */
  private async targetOf(serviceId: string, callbackType: string, manager: EntityManager) {
    try {
      return await this.callbackApis.findTarget(serviceId, callbackType, manager);
    } catch (error) {
      if (error instanceof UnknownEncryptionKeyError || error instanceof CorruptCiphertextError) return error;
      throw error;
    }
  }
}
