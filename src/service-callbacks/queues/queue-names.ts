/** First attempts go here, and nothing else. */
export const MAIN_QUEUE = 'service-callbacks';

/** Later attempts go here, and no first one: a retry never stands in the way of a first attempt. */
export const RETRY_QUEUE = 'service-callbacks-retry';
