import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import type { QueuedJob } from '../../queues/queue-backend.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { readOutboxJob } from './outbox-job.js';

/** The channel on which a commit wakes the relays. */
export const OUTBOX_CHANNEL = 'service_callback_outbox';

export interface Refusal {
  readonly seq: string;
  readonly reason: string;
}

export interface Taken {
  /** How many there were. */
  readonly rows: number;
  readonly refusals: readonly Refusal[];
}

@Injectable()
export class OutboxRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** In the caller's transaction, where there is one; relays wake when it commits. */
  async put(jobs: readonly QueuedJob[], manager: EntityManager = this.dataSource.manager): Promise<void> {
    await manager.query(
      `WITH jobs AS (
         INSERT INTO service_callback_outbox (job, priority) SELECT * FROM unnest($1::text[], $2::integer[])
       )
       SELECT pg_notify('${OUTBOX_CHANNEL}', '')`,
      [jobs.map((job) => JSON.stringify(job)), jobs.map((job) => job.options.priority ?? 0)],
    );
  }

  /**
   * Hands the next jobs to `forward`, in the queue's own order (R17: a flood waits behind others here too), and
   * removes them when it resolves; where it does not, they stay. A row that holds no job is put aside, where it is
   * kept and holds up nobody. Other relays pass over what this one holds.
   */
  take(limit: number, forward: (jobs: readonly QueuedJob[]) => Promise<void>): Promise<Taken> {
    return this.dataSource.transaction(async (manager) => {
      const rows = await manager.query<{ seq: string; job: string }[]>(
        `SELECT seq, job FROM service_callback_outbox ORDER BY priority, seq LIMIT $1
         FOR UPDATE SKIP LOCKED`,
        [limit],
      );
      if (rows.length === 0) return { rows: 0, refusals: [] };
      const read = rows.map(({ seq, job }) => ({ seq, ...readOutboxJob(job) }));
      const refusals = read.filter((row) => row.kind === 'refused');
      await forward(read.filter((row) => row.kind === 'job').map(({ job }) => job));
      await putAside(manager, refusals);
      await manager.query(`DELETE FROM service_callback_outbox WHERE seq = ANY($1::bigint[])`, [
        rows.map((row) => row.seq),
      ]);
      return { rows: rows.length, refusals };
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

async function putAside(manager: EntityManager, refusals: readonly Refusal[]): Promise<void> {
  if (refusals.length === 0) return;
  await manager.query(
    `INSERT INTO service_callback_outbox_refusals (seq, job, created_at, reason)
     SELECT seq, job, created_at, reason
     FROM service_callback_outbox JOIN unnest($1::bigint[], $2::text[]) AS refusal (seq, reason) USING (seq)`,
    [refusals.map(({ seq }) => seq), refusals.map(({ reason }) => reason)],
  );
}
