import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN_QUEUE } from '../../queues/queue-names.js';
import { callbackJobSchema } from '../delivery/callback-job.js';
import { QueueSilentError } from './queue-silent.error.js';
import type { LoggedCallbackWithAttempts, LogScope } from './records.js';

/** A queue on Redis waits for its Redis for ever; whoever asks here does not, ms. */
const TIMEOUT_MS = 2_000;

/** The callbacks before their first attempt, one at a time: only the queue knows them. */
@Injectable()
export class WaitingCallbacks {
  constructor(@InjectQueue(MAIN_QUEUE) private readonly queue: Queue) {}

  /** @throws QueueSilentError */
  async find(scope: LogScope, id: string): Promise<LoggedCallbackWithAttempts | null> {
    const stopWaiting = new AbortController();
    const job = await Promise.race([
      this.queue.getJob(id),
      sleep(TIMEOUT_MS, undefined, { signal: stopWaiting.signal }).then(() => {
        throw new QueueSilentError(TIMEOUT_MS);
      }),
    ]).finally(() => stopWaiting.abort());
    const data = callbackJobSchema.safeParse(job?.data).data;
    if (!data || (scope !== 'all' && data.service_id !== scope.serviceId)) return null;
    return {
      id: data.callback_id,
      serviceId: data.service_id,
      callbackApiId: data.callback_api_id,
      callbackType: data.callback_type,
      subjectId: data.subject_id,
      state: 'waiting',
      reason: null,
      attemptCount: 0,
      lastStatus: null,
      lastError: null,
      queuedAt: new Date(data.queued_at),
      firstAttemptAt: null,
      lastAttemptAt: null,
      nextAt: null,
      forwardMs: null,
      attempts: [],
    };
  }
}
