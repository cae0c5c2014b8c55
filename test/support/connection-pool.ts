import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { TestService } from './service.js';

/** What TypeORM's pool is doing, seen from inside the process. */
export interface PoolWatch {
  /** Connections that are checked out at this moment. */
  readonly checkedOut: number;
  /** Callers that wait for one at this moment. */
  readonly waiting: number;
  /** Check-outs since the last `reset()`. */
  readonly checkOuts: number;
  reset(): void;
}

export function watchPool({ app }: TestService): PoolWatch {
  const pool = (app.get(DataSource).driver as PostgresDriver).master as Pool;
  let checkOuts = 0;
  pool.on('acquire', () => {
    checkOuts += 1;
  });
  return {
    get checkedOut() {
      return pool.totalCount - pool.idleCount;
    },
    get waiting() {
      return pool.waitingCount;
    },
    get checkOuts() {
      return checkOuts;
    },
    reset: () => {
      checkOuts = 0;
    },
  };
}
