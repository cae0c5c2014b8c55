import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** A process without a heartbeat for longer is not counted, ms. */
const HEARTBEAT_TIMEOUT_MS = 30_000;

/** The report that a worker process writes every few seconds. */
export interface ProcessFacts {
  readonly id: string;
  /** Host name and process id. */
  readonly label: string;
  readonly inFlight: number;
  /** Events that its figures had to drop since its start. */
  readonly dropped: number;
}

export interface ProcessSums {
  readonly processes: number;
  readonly inFlight: number;
  readonly dropped: number;
}

/** The reports of worker processes. */
@Injectable()
export class ProcessesRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** Replaces the last report of this process, and deletes those of processes whose heartbeat has stopped. */
  async report({ id, label, inFlight, dropped }: ProcessFacts, now: number): Promise<void> {
    await this.dataSource.query(
      `WITH stopped AS (DELETE FROM service_callback_processes WHERE at < $5 AND id <> $1)
       INSERT INTO service_callback_processes (id, label, at, in_flight, dropped)
       VALUES ($1, $2, $3, $4, $6)
       ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at, in_flight = EXCLUDED.in_flight,
         dropped = EXCLUDED.dropped`,
      [id, label, new Date(now), inFlight, new Date(now - HEARTBEAT_TIMEOUT_MS), dropped],
    );
  }

  /** Deletes the report of a process that ends. */
  async forget(id: string): Promise<void> {
    await this.dataSource.query(`DELETE FROM service_callback_processes WHERE id = $1`, [id]);
  }

  async sums(now: number): Promise<ProcessSums> {
    const [row] = await rows<{ processes: number; in_flight: number; dropped: number }>(
      this.dataSource,
      `SELECT count(*)::int AS processes, COALESCE(sum(in_flight), 0)::int AS in_flight,
         COALESCE(sum(dropped), 0)::bigint AS dropped
       FROM service_callback_processes WHERE at >= $1`,
      [new Date(now - HEARTBEAT_TIMEOUT_MS)],
    );
    return { processes: row?.processes ?? 0, inFlight: row?.in_flight ?? 0, dropped: row?.dropped ?? 0 };
  }
}
