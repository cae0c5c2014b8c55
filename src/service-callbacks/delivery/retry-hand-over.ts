import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { RETRY_QUEUE } from '../../queues/queue-names.js';
import { Clock } from '../clock.js';
import type { Callback } from './callback.js';
import { retryJob, type RetryReason } from './queued-jobs.js';
import { RetryPolicy } from './retry-policy.js';

export type HandOver = { readonly kind: 'handed_over'; readonly at: number } | { readonly kind: 'exhausted' };

/**
 * From the main to the retry queue (R13). The retry job has the callback's id and generation, and only
 * when it is kept is the first job finished: a crash in between repeats, never loses.
 */
@Injectable()
export class RetryHandOver {
  constructor(
    @InjectQueue(RETRY_QUEUE) private readonly queue: Queue,
    private readonly policy: RetryPolicy,
    private readonly clock: Clock,
  ) {}

  async firstRetry(callback: Callback, retryAfterMs?: number): Promise<HandOver> {
    if (!this.policy.allows(1)) return { kind: 'exhausted' };
    const at = this.clock.now() + this.policy.delayBefore(1, retryAfterMs);
    await this.add(callback, at, 'retry');
    return { kind: 'handed_over', at };
  }

  /** No attempt was made and none is spent. @param until Unix ms. */
  async defer(callback: Callback, until: number): Promise<void> {
    await this.add(callback, until, 'deferred');
  }

  private async add(callback: Callback, dueAt: number, why: RetryReason): Promise<void> {
    const terms = { maxRetries: this.policy.maxRetries, dueAt, now: this.clock.now() };
    const { name, data, options } = retryJob(callback, terms, why);
    await this.queue.add(name, data, options);
  }
}
