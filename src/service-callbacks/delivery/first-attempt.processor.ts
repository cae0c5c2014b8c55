import { Injectable } from '@nestjs/common';
import type { AnyJob } from '../../queues/queue-backend.js';
import { Clock } from '../clock.js';
import { GiveUp } from '../dead-letters/give-up.js';
import { AttemptMaker } from './attempt.js';
import { CallbackLog } from './callback-log.js';
import { CallbackProcessor } from './callback.processor.js';
import { DeliveryRecorder } from './delivery-recorder.js';
import { JobReader, type ReadJob } from './job-reader.js';
import { Preparation } from './preparation.js';
import { PutOff } from './put-off.js';
import { RetryHandOver } from './retry-hand-over.js';

/** The main queue: first attempts, which need no database (R9). */
@Injectable()
export class FirstAttemptProcessor extends CallbackProcessor {
  constructor(
    reader: JobReader,
    giveUp: GiveUp,
    log: CallbackLog,
    recorder: DeliveryRecorder,
    clock: Clock,
    private readonly preparation: Preparation,
    private readonly attempts: AttemptMaker,
    private readonly handOver: RetryHandOver,
    private readonly putOff: PutOff,
  ) {
    super(reader, giveUp, log, recorder, clock);
  }

  protected async handle(job: AnyJob, read: ReadJob, token?: string): Promise<void> {
    const prepared = await this.preparation.forFirstAttempt(read);
    if (prepared.kind !== 'ready') throw await this.endUnprepared(job, prepared);

    const made = await this.attempts.make(prepared.callback, 'first');
    if (made.kind === 'deferred') {
      if (made.briefly) throw await this.putOff.inTurn(() => this.putBack(job, made.until, token));
      await this.putOff.inTurn(() => this.handOver.defer(prepared.callback, made.until));
      return this.recorder.deferred(prepared.callback, made.reason, made.until, 'first');
    }
    const { outcome, facts, callback } = made;
    switch (outcome.kind) {
      case 'delivered':
        return this.recorder.delivered(callback, facts, outcome.statusCode, 'first');
      case 'final':
        throw await this.giveUp.bury(callback, { reason: 'not_retried', facts, failure: outcome.failure });
      case 'retryable': {
        const next = await this.handOver.firstRetry(callback, outcome.retryAfterMs);
        if (next.kind === 'exhausted') {
          throw await this.giveUp.bury(callback, {
            reason: 'retries_exhausted',
            facts,
            failure: outcome.failure,
          });
        }
        return this.recorder.retrying(callback, facts, outcome.failure, next.at);
      }
    }
  }
}
