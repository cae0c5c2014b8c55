/** First attempts only (R9). */
export const MAIN_QUEUE = 'service-callbacks';

/** Later attempts only: a retry never stands in the way of a first attempt (R13). */
export const RETRY_QUEUE = 'service-callbacks-retry';
