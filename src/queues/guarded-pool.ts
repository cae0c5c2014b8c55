import { Logger } from '@nestjs/common';
import type { PgPool, PgPoolClient } from 'bullmq';
import type pg from 'pg';
import { isStoreFault } from '../database/store-fault.js';
import { QueueAwayError } from './queue-away.error.js';

/** Two transactions were in each other's way, and PostgreSQL rolled this one back: deadlock, serialization. */
const CONFLICTS: ReadonlySet<unknown> = new Set(['40P01', '40001']);
const MAX_CONFLICTS = 5;

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
    return this.guard(() =>
      repeatedly(() => (this.pool as unknown as PgPool).query<unknown>(text, parameters)),
    );
  }

  connect(): Promise<PgPoolClient> {
    return this.guard(() => (this.pool as unknown as PgPool).connect());
  }

  /** @param begin what begins it. @param work on its connection; may be done again, where another was in its way */
  transaction<T>(begin: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.guard(() => repeatedly(() => this.transact(begin, work)));
  }

  private async transact<T>(begin: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    // Whoever has a statement on the way hears of a broken connection by that.
    const unheard = () => undefined;
    client.on('error', unheard);
    let isBroken = false;
    try {
      await client.query(begin);
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      isBroken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      throw error;
    } finally {
      client.off('error', unheard);
      client.release(isBroken);
    }
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

/**
 * A statement that PostgreSQL rolled back for another's sake is made again at once: workers that promote delayed
 * jobs together lock them in no order. Nothing of it was kept, as `statement` is a whole transaction.
 */
async function repeatedly<T>(statement: () => Promise<T>): Promise<T> {
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      return await statement();
    } catch (error) {
      if (!CONFLICTS.has((error as { code?: unknown }).code) || conflicts === MAX_CONFLICTS) throw error;
    }
  }
}
