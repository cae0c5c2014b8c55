import { Logger } from '@nestjs/common';
import type { PgPool, PgPoolClient } from 'bullmq';
import type pg from 'pg';
import { isStoreFault } from '../database/store-fault.js';
import { QueueAwayError } from './queue-away.error.js';

/**
 * The pool as BullMQ is given it. BullMQ takes only a refused connection for a fault of the store; any other
 * error on finishing a job (a server that shuts down, starts, is full or read-only) it takes for the job's own
 * and fails it. Here all of them look refused, and the log says once that the store is away, and once that it
 * is back.
 */
export class GuardedPool {
  private readonly logger = new Logger('ServiceCallbacks');
  private away = false;

  constructor(private readonly pool: pg.Pool) {}

  query(text: string, parameters?: readonly unknown[]): Promise<{ rows: unknown[] }> {
    return this.guard(() => (this.pool as unknown as PgPool).query<unknown>(text, parameters));
  }

  connect(): Promise<PgPoolClient> {
    return this.guard(() => (this.pool as unknown as PgPool).connect());
  }

  private async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      if (this.away) this.logger.log({ event: 'queue.back', msg: 'The queue’s database serves again' });
      this.away = false;
      return result;
    } catch (error) {
      if (!isStoreFault(error)) throw error;
      const fault = new QueueAwayError(error);
      if (!this.away)
        this.logger.error({ event: 'queue.away', error: fault.message, msg: 'Delivery waits for the queue' });
      this.away = true;
      throw fault;
    }
  }
}
