import type { QueuedJob } from '../../queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../queues/queue-names.js';
import { retryJobId, type CallbackJobData } from './callback-job.js';
import type { Callback } from './callback.js';

/** No terminal job stays in either queue: an id that is still kept swallows the next `add`. */
const KEEP_NOTHING = { removeOnComplete: true, removeOnFail: true } as const;

/**
 * A callback's first job. The same news twice is one job while it waits.
 * @param priority 1 to 2,097,151; a lower number goes first.
 */
export function firstAttemptJob(callback: Callback, priority: number): QueuedJob {
  return {
    queue: MAIN_QUEUE,
    name: callback.callbackType,
    data: toJobData(callback),
    options: { jobId: callback.id, priority, ...KEEP_NOTHING },
  };
}

/**
 * Those that come back to see whether their endpoint can be asked by now go behind those that are to be tried, however
 * many they are (R17). What an older release wrote has no priority, and goes first.
 */
const RETRY_PRIORITY = { retry: 1, deferred: 2 } as const;

/** Why a callback is in the retry queue. */
export type RetryReason = keyof typeof RETRY_PRIORITY;

export interface RetryTerms {
  /** After the first attempt, which may still be to come: it was deferred, or is a replay's. */
  readonly maxRetries: number;
  /** When the next attempt is to be made, Unix ms, whole. */
  readonly dueAt: number;
  /** Unix ms, whole. */
  readonly now: number;
}

/** A callback's later attempts, one job for all of them. */
export function retryJob(
  callback: Callback,
  { maxRetries, dueAt, now }: RetryTerms,
  why: RetryReason = 'retry',
): QueuedJob {
  return {
    queue: RETRY_QUEUE,
    name: callback.callbackType,
    data: toJobData(callback, dueAt),
    options: {
      jobId: retryJobId(callback.id, callback.generation),
      attempts: maxRetries + 1,
      backoff: { type: 'custom' },
      priority: RETRY_PRIORITY[why],
      delay: Math.max(0, dueAt - now),
      ...KEEP_NOTHING,
    },
  };
}

/** The shape the queues carry. @param dueAt when a retry is to be taken, Unix ms */
export function toJobData(callback: Callback, dueAt?: number): CallbackJobData {
  return {
    v: 1,
    callback_id: callback.id as CallbackJobData['callback_id'],
    service_id: callback.serviceId,
    callback_type: callback.callbackType,
    callback_api_id: callback.callbackApiId,
    subject_id: callback.subjectId,
    queued_at: callback.queuedAt,
    generation: callback.generation,
    generation_start: callback.generationStart,
    document: callback.sealed,
    attempts: callback.attempts,
    ...(callback.trace && { trace: callback.trace }),
    ...(dueAt !== undefined && { due_at: dueAt }),
  };
}
