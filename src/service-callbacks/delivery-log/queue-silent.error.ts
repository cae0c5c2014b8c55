/** The queue was asked for a callback that the log does not know, and did not answer. */
export class QueueSilentError extends Error {
  constructor(waitedMs: number) {
    super(`The queue did not answer within ${waitedMs} ms; what waits in it cannot be told now`);
    this.name = 'QueueSilentError';
  }
}
