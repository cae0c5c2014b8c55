/**
 * The queue's store cannot serve now. Its code is the one by which BullMQ knows an error of the connection: it
 * then tries again instead of failing the job.
 */
export class QueueAwayError extends Error {
  readonly code = 'ECONNREFUSED';

  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String((cause as { message?: unknown })?.message);
    super(`The queue's database cannot serve now: ${why}`, { cause });
    this.name = 'QueueAwayError';
  }
}
