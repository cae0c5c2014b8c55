import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import type { QueuedJob } from '../../queues/queue-backend.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { readOutboxJob } from './outbox-job.js';

/** Gone with the commit, and back where it does not come: others pass over what this transaction holds. */
const TAKE = `
  WITH next AS MATERIALIZED (
    SELECT seq FROM service_callback_outbox ORDER BY priority, seq LIMIT $1 FOR UPDATE SKIP LOCKED
  ), taken AS (
    DELETE FROM service_callback_outbox outbox USING next WHERE outbox.seq = next.seq RETURNING outbox.*
  )
  SELECT seq, job AS text, created_at::text AS "createdAt" FROM taken ORDER BY priority, seq`;

interface OutboxRow {
  readonly seq: string;
  readonly text: string;
  readonly createdAt: string;
}

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
  /** On which a commit wakes the relay of the process it comes from, and no other. */
  readonly channel = `service_callback_outbox_${randomUUID().replaceAll('-', '')}`;

  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** In the caller's transaction, where there is one; this process's relay wakes when it commits. */
  async put(jobs: readonly QueuedJob[], manager: EntityManager = this.dataSource.manager): Promise<void> {
    await manager.query(
      `WITH jobs AS (
         INSERT INTO service_callback_outbox (job, priority) SELECT * FROM unnest($1::text[], $2::integer[])
       )
       SELECT pg_notify($3, '')`,
      [jobs.map((job) => JSON.stringify(job)), jobs.map((job) => job.options.priority ?? 0), this.channel],
    );
  }

  /**
   * Hands the next jobs to `forward`, in the queue's own order (R17: a flood waits behind others here too), and
   * removes them when it resolves; where it does not, they stay. A row that holds no job is put aside, where it is
   * kept and holds up nobody. Other relays pass over what this one holds.
   */
  take(limit: number, forward: (jobs: readonly QueuedJob[]) => Promise<void>): Promise<Taken> {
    return this.dataSource.transaction(async (manager) => {
      const rows = await manager.query<OutboxRow[]>(TAKE, [limit]);
      if (rows.length === 0) return { rows: 0, refusals: [] };
      const read = rows.map((row) => ({ ...row, ...readOutboxJob(row.text) }));
      const refusals = read.filter((row) => row.kind === 'refused');
      await forward(read.filter((row) => row.kind === 'job').map(({ job }) => job));
      await putAside(manager, refusals);
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

async function putAside(
  manager: EntityManager,
  refused: readonly (OutboxRow & { readonly reason: string })[],
): Promise<void> {
  if (refused.length === 0) return;
  await manager.query(
    `INSERT INTO service_callback_outbox_refusals (seq, job, created_at, reason)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[])`,
    [
      refused.map(({ seq }) => seq),
      refused.map(({ text }) => text),
      refused.map(({ createdAt }) => createdAt),
      refused.map(({ reason }) => reason),
    ],
  );
}
