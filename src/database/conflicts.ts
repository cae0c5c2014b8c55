import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';

/** Serialization failure and deadlock: PostgreSQL rolled back everything, and a repetition may succeed. */
const CONFLICTS: readonly unknown[] = ['40001', '40P01'];
const TRIES = 5;
/** Multiplied by the number of tries so far, ms. */
const MAX_DELAY_MS = 20;

/**
 * Repeats work that PostgreSQL rolled back because of a conflict. The first try uses the database's default isolation,
 * which costs no extra statement. Later tries must set READ COMMITTED, which has no serialization failures.
 */
export async function retryConflicts<T>(attempt: (isolation?: 'READ COMMITTED') => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await (tries === 1 ? attempt() : attempt('READ COMMITTED'));
    } catch (error) {
      if (tries === TRIES || !isConflict(error)) throw error;
      await sleep(Math.random() * MAX_DELAY_MS * tries);
    }
  }
}

/** A transaction that is repeated after a conflict: `work` does nothing outside the database. */
export function inTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  return retryConflicts((isolation) =>
    isolation ? dataSource.transaction(isolation, work) : dataSource.transaction(work),
  );
}

function isConflict(error: unknown): boolean {
  return CONFLICTS.includes((error as { code?: unknown } | undefined)?.code);
}
