/** Asks BullMQ for another attempt. The message is a code of ours: it becomes `failedReason`. */
export class RetryLaterError extends Error {
  /** @param delayMs until the next attempt. */
  constructor(readonly delayMs: number) {
    super('retry_later');
    this.name = 'RetryLaterError';
    // BullMQ keeps the stack of every failure with the job; this one says nothing.
    this.stack = this.message;
  }
}
