/** The queue of first attempts, and of nothing else. */
export const MAIN_QUEUE = 'service-callbacks';

/** The queue of retries, replays, and callbacks that were deferred or held: they never delay a first attempt. */
export const RETRY_QUEUE = 'service-callbacks-retry';

/**
 * Names of the queues: `@InjectQueue(CALLBACK_QUEUES.main)` injects BullMQ's `Queue`, for a Bull Board or for counts.
 */
export const CALLBACK_QUEUES = Object.freeze({ main: MAIN_QUEUE, retry: RETRY_QUEUE });
