import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { QueueBackend, type AnyJob } from '../../queues/queue-backend.js';
import { RETRY_QUEUE } from '../../queues/queue-names.js';
import { Clock } from '../clock.js';
import type { Callback } from './callback.js';
import { retryJob, type RetryReason } from './queued-jobs.js';
import { RetryPolicy } from './retry-policy.js';

export type HandOver =
  | { readonly kind: 'handed_over'; readonly at: number; readonly firstHasEnded: boolean }
  | { readonly kind: 'exhausted' };

/** A first job, and the token it was taken with. */
export interface InHand {
  readonly job: AnyJob;
  readonly token: string | undefined;
}

/**
 * From the main to the retry queue (R13), in one transaction where the queue has them. Else the retry job, which has
 * the callback's id and generation, is kept first: a crash in between repeats, never loses.
 */
@Injectable()
export class RetryHandOver {
  constructor(
    private readonly backend: QueueBackend,
    @InjectQueue(RETRY_QUEUE) private readonly queue: Queue,
    private readonly policy: RetryPolicy,
    private readonly clock: Clock,
  ) {}

  async firstRetry(inHand: InHand, callback: Callback, retryAfterMs?: number): Promise<HandOver> {
    if (!this.policy.allows(1)) return { kind: 'exhausted' };
    const at = this.clock.now() + this.policy.delayBefore(1, retryAfterMs);
    return { kind: 'handed_over', at, firstHasEnded: await this.replace(inHand, callback, at, 'retry') };
  }

  /** No attempt was made and none is spent. @param until Unix ms. @returns whether the first job has ended */
  defer(inHand: InHand, callback: Callback, until: number): Promise<boolean> {
    return this.replace(inHand, callback, until, 'deferred');
  }

  private replace(
    { job, token }: InHand,
    callback: Callback,
    dueAt: number,
    why: RetryReason,
  ): Promise<boolean> {
    const terms = { maxRetries: this.policy.maxRetries, dueAt, now: this.clock.now() };
    const { name, data, options } = retryJob(callback, terms, why);
    return this.backend.replace(job, token, () => this.queue.add(name, data, options));
  }
}
