/**
 * The queue's store does not work now. BullMQ knows the code as a connection error: it tries again and does not fail
 * the job.
 */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError';
  readonly code = 'ECONNREFUSED';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** Whether the queue's store does not respond: its backend logs that once an outage. */
export function isQueueOutage(error: unknown): boolean {
  if (error instanceof QueueUnavailableError) return true;
  const { code, message } = (error ?? {}) as Record<string, unknown>;
  // Codes of the system or of ioredis.
  return /^E(?!RR_)[A-Z_]+$/.test(String(code)) || message === 'Connection is closed.';
}

/** A pooler such as PgBouncer rejects or drops the settings with which the queue's connections start. */
export class PoolerInBetweenError extends Error {
  override readonly name = 'PoolerInBetweenError';

  /** @param seen how that was noticed */
  constructor(seen: string, cause?: unknown) {
    super(
      `The queue's connections do not reach PostgreSQL as they are (${seen}): a pooler such as PgBouncer seems to ` +
        'stand in between. The queue needs a way around it: DATABASE_DIRECT_URL, or `queue.url` in the module’s options.',
      { cause },
    );
  }
}

export class UnsafeRedisError extends Error {
  override readonly name = 'UnsafeRedisError';

  constructor(policy: string) {
    super(
      `Redis has maxmemory-policy ${policy}: it would drop callbacks when it is full. ` +
        'Set it to noeviction (redis.conf, or CONFIG SET maxmemory-policy noeviction).',
    );
  }
}
