import { Logger } from '@nestjs/common';
import type { PgPool, PgPoolClient } from 'bullmq';
import type pg from 'pg';
import { retryConflicts } from '../../database/conflicts.js';
import { isStoreFault } from '../../database/store-fault.js';
import { describeError } from '../../observability/describe-error.js';
import { QueueUnavailableError } from './errors.js';

/**
 * The pool that BullMQ gets. BullMQ treats only a refused connection as a fault of the store. For any other error on
 * completing a job (a server that shuts down, starts, is full or read-only), it fails the job. Here all such errors
 * look like refused connections, and the log says once that the store is unavailable and once that it is available.
 */
export class GuardedPool {
  private readonly logger = new Logger('ServiceCallbacks');
  private isUnavailable = false;

  constructor(private readonly pool: pg.Pool) {}

  query(text: string, parameters?: readonly unknown[]): Promise<{ rows: unknown[] }> {
    return this.guard(() =>
      retryConflicts(() => (this.pool as unknown as PgPool).query<unknown>(text, parameters)),
    );
  }

  connect(): Promise<PgPoolClient> {
    return this.guard(() => (this.pool as unknown as PgPool).connect());
  }

  private async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      if (this.isUnavailable)
        this.logger.log({ event: 'queue.available', msg: 'The queue’s database serves again' });
      this.isUnavailable = false;
      return result;
    } catch (error) {
      if (!isStoreFault(error)) throw error;
      const fault = new QueueUnavailableError(
        `The queue's database cannot serve now: ${describeError(error).message}`,
        error,
      );
      if (!this.isUnavailable)
        this.logger.error({
          event: 'queue.unavailable',
          err: describeError(fault),
          msg: 'Delivery waits for the queue',
        });
      this.isUnavailable = true;
      throw fault;
    }
  }
}
