import { Injectable } from '@nestjs/common';
import { DelayedError } from 'bullmq';
import type { AnyJob } from '../../queues/queue-backend.js';
import { Clock } from '../clock.js';
import { GiveUp } from '../dead-letters/give-up.js';
import type { Deferral } from '../isolation/endpoint-gate.js';
import { AttemptMaker } from './attempt.js';
import { CallbackLog } from './callback-log.js';
import type { Callback } from './callback.js';
import { CallbackProcessor } from './callback.processor.js';
import { DeliveryRecorder } from './delivery-recorder.js';
import { HandedOverError } from './handed-over.error.js';
import { JobReader, type ReadJob } from './job-reader.js';
import { Preparation } from './preparation.js';
import { PutOff } from './put-off.js';
import { RetryHandOver } from './retry-hand-over.js';

/** The main queue: first attempts, which need no database (R9). */
@Injectable()
export class FirstAttemptProcessor extends CallbackProcessor {
  protected readonly lane = 'first';

  constructor(
    reader: JobReader,
    giveUp: GiveUp,
    log: CallbackLog,
    recorder: DeliveryRecorder,
    clock: Clock,
    private readonly preparation: Preparation,
    private readonly attempts: AttemptMaker,
    private readonly handOver: RetryHandOver,
    putOff: PutOff,
  ) {
    super(reader, giveUp, log, recorder, clock, putOff);
  }

  protected async handle(job: AnyJob, read: ReadJob, token?: string): Promise<void> {
    const prepared = await this.preparation.forFirstAttempt(read);
    if (prepared.kind !== 'ready') throw await this.endUnprepared(job, prepared);

    const made = await this.attempts.make(prepared.callback, this.lane);
    if (made.kind === 'deferred') return this.defer(job, prepared.callback, made, token);
    const { outcome, facts, callback } = made;
    switch (outcome.kind) {
      case 'delivered':
        return this.recorder.delivered(callback, facts, outcome.statusCode, this.lane);
      case 'final':
        throw await this.giveUp.bury(callback, { reason: 'not_retried', facts, failure: outcome.failure });
      case 'retryable': {
        const next = await this.handOver.firstRetry({ job, token }, callback, outcome.retryAfterMs);
        if (next.kind === 'exhausted') {
          throw await this.giveUp.bury(callback, {
            reason: 'retries_exhausted',
            facts,
            failure: outcome.failure,
          });
        }
        this.recorder.retrying(callback, facts, outcome.failure, next.at);
        return this.leave(next.firstHasEnded);
      }
    }
  }

  private async defer(job: AnyJob, callback: Callback, deferral: Deferral, token?: string): Promise<void> {
    const { reason, until, briefly } = deferral;
    const firstHasEnded = await this.putOff.inTurn(this.lane, until, async (due) => {
      if (briefly) {
        await this.putOff.back(job, due, token);
        throw new DelayedError();
      }
      const hasEnded = await this.handOver.defer({ job, token }, callback, due);
      this.recorder.deferred(callback, reason, due, this.lane);
      return hasEnded;
    });
    this.leave(firstHasEnded);
  }

  /** @throws where the worker has nothing to end any more. */
  private leave(hasEnded: boolean): void {
    if (hasEnded) throw new HandedOverError();
  }
}
