/** First attempts go here, and nothing else. */
export const MAIN_QUEUE = 'service-callbacks';

/** Later attempts go here, and no first one: a retry never stands in the way of a first attempt. */
export const RETRY_QUEUE = 'service-callbacks-retry';

/** Their names: `@InjectQueue(CALLBACK_QUEUES.main)` injects BullMQ's `Queue`, for a Bull Board or for counts. */
export const CALLBACK_QUEUES = Object.freeze({ main: MAIN_QUEUE, retry: RETRY_QUEUE });
