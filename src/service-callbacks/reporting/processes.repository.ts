import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** A process that has not been heard of for so long is not asked any more, ms. */
const PROCESS_SILENT_MS = 30_000;

/** What a worker process tells of itself every few seconds. */
export interface ProcessFacts {
  readonly id: string;
  /** Host name and process id. */
  readonly label: string;
  readonly inFlight: number;
  /** What its journal had to drop since it started. */
  readonly dropped: number;
}

export interface ProcessSums {
  readonly processes: number;
  readonly inFlight: number;
  readonly dropped: number;
}

/** What the worker processes tell the others of: only they know it. */
@Injectable()
export class ProcessesRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** Overwrites what this process told before, and forgets the processes that fell silent. */
  async tell({ id, label, inFlight, dropped }: ProcessFacts, now: number): Promise<void> {
    await this.dataSource.query(
      `WITH silent AS (DELETE FROM service_callback_processes WHERE at < $5 AND id <> $1)
       INSERT INTO service_callback_processes (id, label, at, in_flight, dropped)
       VALUES ($1, $2, $3, $4, $6)
       ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at, in_flight = EXCLUDED.in_flight,
         dropped = EXCLUDED.dropped`,
      [id, label, new Date(now), inFlight, new Date(now - PROCESS_SILENT_MS), dropped],
    );
  }

  /** A process that ends says so. */
  async forget(id: string): Promise<void> {
    await this.dataSource.query(`DELETE FROM service_callback_processes WHERE id = $1`, [id]);
  }

  async sums(now: number): Promise<ProcessSums> {
    const [row] = await rows<{ processes: number; in_flight: number; dropped: number }>(
      this.dataSource,
      `SELECT count(*)::int AS processes, COALESCE(sum(in_flight), 0)::int AS in_flight,
         COALESCE(sum(dropped), 0)::bigint AS dropped
       FROM service_callback_processes WHERE at >= $1`,
      [new Date(now - PROCESS_SILENT_MS)],
    );
    return { processes: row?.processes ?? 0, inFlight: row?.in_flight ?? 0, dropped: row?.dropped ?? 0 };
  }
}
