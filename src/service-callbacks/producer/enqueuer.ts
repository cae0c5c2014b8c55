import type { EntityManager } from 'typeorm';
import type { QueuedJob } from '../../queues/queue-backend.js';

/**
 * Puts jobs on a queue; with a caller's `EntityManager`, so that they commit with the caller's transaction
 * or not at all (R18).
 */
export abstract class Enqueuer {
  /**
   * To be asked before anything is read through `manager`: another database would know of no callback API.
   * @throws ForeignDatabaseError
   */
  abstract assertOurs(manager?: EntityManager): Promise<void>;

  /** @throws ForeignDatabaseError where `manager` is on another database than the module's. */
  abstract enqueue(jobs: readonly QueuedJob[], manager?: EntityManager): Promise<void>;
}
