import { Inject, Injectable, Optional } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { Workers } from '../delivery/workers.js';
import { QueueBackend } from '../queues/queue-backend.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** A part that does not respond within this time does not work, ms. */
const CHECK_TIMEOUT_MS = 2_000;

/** A part that this process needs for what it does. */
export interface ReadinessPart {
  readonly name: 'database' | 'queue' | 'worker';
  /** @throws with the reason, in words, why the part is not ready */
  readonly check: () => Promise<void>;
}

/** As Terminus' health indicators return it. */
export type HealthResult<Key extends string> = Record<
  Key,
  { readonly status: 'up' | 'down' } & Readonly<Record<string, string>>
>;

/**
 * What must work before this process gets traffic. Every process must be able to write to the database. A process that
 * delivers also needs the queue, and workers that take jobs. A broken endpoint never makes a process unready.
 *
 * A health indicator for Terminus: `this.health.check([() => this.serviceCallbacks.check()])`.
 */
@Injectable()
export class ServiceCallbacksHealth {
  readonly parts: readonly ReadinessPart[];

  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly backend: QueueBackend,
    @Optional() workers?: Workers,
  ) {
    const parts: readonly ReadinessPart[] = [
      { name: 'database', check: () => this.assertWritable() },
      ...(workers
        ? ([
            { name: 'queue', check: () => this.backend.assertWritable() },
            { name: 'worker', check: () => workers.assertRunning() },
          ] as const)
        : []),
    ];
    this.parts = parts.map(({ name, check }) => ({ name, check: () => inTime(check()) }));
  }

  /** @param key the name of the whole in the result. The result has each part: `up`, or why it does not work */
  async check<Key extends string = 'service-callbacks'>(
    key: Key = 'service-callbacks' as Key,
  ): Promise<HealthResult<Key>> {
    const parts = await Promise.all(
      this.parts.map(async ({ name, check }) => [name, await check().then(() => 'up', messageOf)] as const),
    );
    const status = parts.every(([, state]) => state === 'up') ? 'up' : 'down';
    return { [key]: { status, ...Object.fromEntries(parts) } } as HealthResult<Key>;
  }

  private async assertWritable(): Promise<void> {
    const [row] = await rows<{ is_read_only: boolean }>(
      this.dataSource,
      `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only`,
    );
    if (row?.is_read_only !== false) throw new Error('the database is read-only');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function inTime(check: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(new Error(`no response within ${CHECK_TIMEOUT_MS} ms`));
  }, CHECK_TIMEOUT_MS);
  try {
    await Promise.race([check, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
