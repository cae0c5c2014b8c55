import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import type { CircuitView, LogScope } from './records.js';

/** A process that has not been heard of for so long is not asked any more, ms. */
const PROCESS_SILENT_MS = 30_000;

/** A circuit as a process tells of it. */
export interface ToldCircuit {
  readonly callback_api_id: string;
  readonly state: CircuitView['state'];
  /** Unix ms. */
  readonly until: number | null;
}

/** What a worker process tells of itself every few seconds. */
export interface ProcessFacts {
  readonly id: string;
  /** Host name and process id. */
  readonly label: string;
  readonly inFlight: number;
  readonly circuits: readonly ToldCircuit[];
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
  async tell({ id, label, inFlight, circuits, dropped }: ProcessFacts, now: number): Promise<void> {
    await this.dataSource.query(
      `WITH silent AS (DELETE FROM service_callback_processes WHERE at < $6 AND id <> $1)
       INSERT INTO service_callback_processes (id, label, at, in_flight, circuits, dropped)
       VALUES ($1, $2, $3, $4, $5, $7)
       ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at, in_flight = EXCLUDED.in_flight,
         circuits = EXCLUDED.circuits, dropped = EXCLUDED.dropped`,
      [
        id,
        label,
        new Date(now),
        inFlight,
        JSON.stringify(circuits),
        new Date(now - PROCESS_SILENT_MS),
        dropped,
      ],
    );
  }

  /** A process that ends says so. */
  async forget(id: string): Promise<void> {
    await this.dataSource.query(`DELETE FROM service_callback_processes WHERE id = $1`, [id]);
  }

  async sums(now: number): Promise<ProcessSums> {
    const [row] = await this.dataSource.query<{ processes: number; in_flight: number; dropped: number }[]>(
      `SELECT count(*)::int AS processes, COALESCE(sum(in_flight), 0)::int AS in_flight,
         COALESCE(sum(dropped), 0)::float8 AS dropped
       FROM service_callback_processes WHERE at >= $1`,
      [new Date(now - PROCESS_SILENT_MS)],
    );
    return { processes: row?.processes ?? 0, inFlight: row?.in_flight ?? 0, dropped: row?.dropped ?? 0 };
  }

  /** One a callback API, in the worst state that any process has it in. */
  async circuits(scope: LogScope, now: number, callbackApiId?: string): Promise<CircuitView[]> {
    const rows = await this.dataSource.query<
      { callback_api_id: string; state: CircuitView['state']; until: number | null }[]
    >(
      `SELECT DISTINCT ON (told.callback_api_id) told.callback_api_id, told.state, told.until
       FROM service_callback_processes process,
         jsonb_to_recordset(process.circuits) AS told (callback_api_id text, state text, until float8)
       WHERE process.at >= $1 AND ($2::text IS NULL OR told.callback_api_id = $2)
         AND ($3::text IS NULL OR EXISTS (SELECT FROM service_callback_apis api
           WHERE api.id::text = told.callback_api_id AND api.service_id::text = $3))
       ORDER BY told.callback_api_id, told.state = 'open' DESC, told.until DESC NULLS LAST`,
      [new Date(now - PROCESS_SILENT_MS), callbackApiId ?? null, scope === 'all' ? null : scope.serviceId],
    );
    return rows.map(({ callback_api_id, state, until }) => ({
      callbackApiId: callback_api_id,
      state,
      until: until === null ? null : new Date(until),
    }));
  }
}
