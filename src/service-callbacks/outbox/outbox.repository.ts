import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import type { QueuedJob } from '../../queues/queue-backend.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** The channel on which a commit wakes the relays. */
export const OUTBOX_CHANNEL = 'service_callback_outbox';

export interface OutboxRow {
  readonly seq: string;
  /** A `QueuedJob` as JSON. */
  readonly job: string;
}

@Injectable()
export class OutboxRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** In the caller's transaction, where there is one; relays wake when it commits. */
  async put(jobs: readonly QueuedJob[], manager: EntityManager = this.dataSource.manager): Promise<void> {
    await manager.query(
      `WITH jobs AS (INSERT INTO service_callback_outbox (job) SELECT unnest($1::text[]))
       SELECT pg_notify('${OUTBOX_CHANNEL}', '')`,
      [jobs.map((job) => JSON.stringify(job))],
    );
  }

  /**
   * Hands the oldest rows to `forward` and removes them when it resolves, save those it names, which are passed
   * over for a minute; where it does not, they all stay. Other relays pass over what this one holds.
   * @returns how many there were.
   */
  take(
    limit: number,
    forward: (rows: readonly OutboxRow[]) => Promise<readonly OutboxRow[]>,
  ): Promise<number> {
    return this.dataSource.transaction(async (manager) => {
      const rows = await manager.query<OutboxRow[]>(
        `SELECT seq, job FROM service_callback_outbox
         WHERE passed_over_until IS NULL OR passed_over_until <= now()
         ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED`,
        [limit],
      );
      if (rows.length === 0) return 0;
      const refused = new Set(await forward(rows));
      const moved = rows.filter((row) => !refused.has(row));
      await manager.query(`DELETE FROM service_callback_outbox WHERE seq = ANY($1::bigint[])`, [
        seqsOf(moved),
      ]);
      if (refused.size > 0)
        await manager.query(
          `UPDATE service_callback_outbox SET passed_over_until = now() + interval '1 minute'
           WHERE seq = ANY($1::bigint[])`,
          [seqsOf([...refused])],
        );
      return rows.length;
    });
  }

  /** How many wait, and since when. */
  async backlog(): Promise<{ readonly jobs: number; readonly oldestAgeMs: number }> {
    const [row] = await this.dataSource.query<{ jobs: number; age: number | null }[]>(
      `SELECT count(*)::int AS jobs, (extract(epoch FROM now() - min(created_at)) * 1000)::float8 AS age
       FROM service_callback_outbox`,
    );
    return { jobs: row?.jobs ?? 0, oldestAgeMs: row?.age ?? 0 };
  }
}

function seqsOf(rows: readonly OutboxRow[]): string[] {
  return rows.map(({ seq }) => seq);
}
