import { Inject, Injectable, Optional } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { Workers } from '../delivery/workers.js';
import { QueueBackend } from '../queues/queue-backend.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** A part that this process needs for what it does. */
export interface ReadinessPart {
  readonly name: 'database' | 'queue' | 'worker';
  /** @throws saying in words why the part is not ready. */
  readonly check: () => Promise<void>;
}

/**
 * What must work before this process may be given traffic. Every process must be able to write to the database; one
 * that delivers also needs the queue, and workers that take jobs. No endpoint's trouble makes a process unready.
 */
@Injectable()
export class Readiness {
  readonly parts: readonly ReadinessPart[];

  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly backend: QueueBackend,
    @Optional() workers?: Workers,
  ) {
    this.parts = [
      { name: 'database', check: () => this.assertWritable() },
      ...(workers
        ? ([
            { name: 'queue', check: () => this.backend.assertWritable() },
            { name: 'worker', check: () => workers.assertRunning() },
          ] as const)
        : []),
    ];
  }

  private async assertWritable(): Promise<void> {
    const [row] = await rows<{ is_read_only: boolean }>(
      this.dataSource,
      `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only`,
    );
    if (row?.is_read_only !== false) throw new Error('the database is read-only');
  }
}
