import { Inject, Injectable } from '@nestjs/common';
import { DelayedError } from 'bullmq';
import type { AnyJob } from '../../queues/queue-backend.js';
import { Clock } from '../clock.js';
import { GiveUp } from '../dead-letters/give-up.js';
import type { Deferral } from '../isolation/endpoint-gate.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { AttemptMaker } from './attempt.js';
import { CallbackLog } from './callback-log.js';
import { CallbackProcessor } from './callback.processor.js';
import { DeliveryRecorder } from './delivery-recorder.js';
import type { Callback } from './callback.js';
import { JobReader, type ReadJob } from './job-reader.js';
import { Preparation, type Prepared } from './preparation.js';
import { PutOff } from './put-off.js';
import { toJobData } from './queued-jobs.js';
import { RetryLaterError } from './retry-later.error.js';
import { RetryPolicy } from './retry-policy.js';

/** The retry queue: later attempts, by BullMQ's own `attempts` with this policy's backoff (R13). */
@Injectable()
export class RetryProcessor extends CallbackProcessor {
  protected readonly lane = 'retry';

  constructor(
    reader: JobReader,
    giveUp: GiveUp,
    log: CallbackLog,
    recorder: DeliveryRecorder,
    clock: Clock,
    private readonly preparation: Preparation,
    private readonly attempts: AttemptMaker,
    private readonly policy: RetryPolicy,
    putOff: PutOff,
    @Inject(DELIVERY_OPTIONS) private readonly options: DeliveryOptions,
  ) {
    super(reader, giveUp, log, recorder, clock, putOff);
  }

  protected async handle(job: AnyJob, read: ReadJob, token?: string): Promise<void> {
    if (read.kind === 'callback') {
      // Before anything that costs: thousands may wake behind an endpoint that is down.
      if (this.isTooOld(read.callback)) throw await this.expire(read.callback);
      const deferral = this.attempts.deferral(read.callback, this.lane);
      if (deferral) return this.defer(job, read.callback, deferral, token);
    }
    const prepared = await this.prepare(read);
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
        const { failure, retryAfterMs } = outcome;
        const retry = callback.attempts.length - callback.generationStart;
        if (!this.policy.allows(retry) || job.attemptsMade + 1 >= (job.opts.attempts ?? 1)) {
          throw await this.giveUp.bury(callback, { reason: 'retries_exhausted', facts, failure });
        }
        const delay = this.policy.delayBefore(retry, retryAfterMs);
        const dueAt = this.clock.now() + delay;
        await job.updateData(toJobData(callback, dueAt));
        this.recorder.retrying(callback, facts, failure, dueAt);
        throw new RetryLaterError(delay);
      }
    }
  }

  private defer(job: AnyJob, callback: Callback, deferral: Deferral, token?: string): Promise<never> {
    const { reason, until, briefly } = deferral;
    return this.putOff.inTurn(this.lane, until, async (due) => {
      await this.putOff.back(job, due, token, briefly ? undefined : toJobData(callback, due));
      // Only now: a job that the queue did not take back has not been deferred.
      if (!briefly) this.recorder.deferred(callback, reason, due, this.lane);
      throw new DelayedError();
    });
  }

  /** Where the database is away, the encrypted document is as good as it was when it was sealed. */
  private async prepare(read: ReadJob): Promise<Prepared> {
    try {
      return await this.preparation.forRetry(read);
    } catch (error) {
      if (read.kind !== 'callback') throw error;
      this.log.notRefreshed(read.callback, error);
      return this.preparation.forFirstAttempt(read);
    }
  }

  private isTooOld({ queuedAt }: Callback): boolean {
    return this.clock.now() - queuedAt > this.options.maxAgeMs;
  }

  private expire(callback: Callback) {
    const last = callback.attempts.at(-1);
    const facts = { attempt: callback.attempts.length, durationMs: last?.duration_ms ?? 0 };
    const failure = last && lastFailure(last);
    return this.giveUp.bury(callback, { reason: 'expired', facts, ...(failure && { failure }) });
  }
}

function lastFailure(last: Callback['attempts'][number]) {
  if (last.status_code !== undefined) return { statusCode: last.status_code };
  return last.error && { error: last.error };
}
