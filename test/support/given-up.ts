import { query } from './sql.js';

export interface GivenUpOptions {
  readonly count?: number;
  readonly serviceId: string;
  readonly endpointId?: string | null;
  /** When it was given up, and queued. Default: now. */
  readonly at?: Date;
  /** The sealed payload; null: none. Default: some text. */
  readonly payload?: string | null;
}

/**
 * Inserts records of callbacks that were given up.
 * @returns their ids
 */
export async function insertGivenUp(
  databaseUrl: string,
  options: GivenUpOptions,
): Promise<readonly string[]> {
  const { count = 1, serviceId, endpointId = null, at = new Date(), payload = 'sealed' } = options;
  const rows = await query<{ id: string }>(
    databaseUrl,
    `WITH recorded AS (
       INSERT INTO service_callbacks (id, service_id, endpoint_id, callback_type, subject_id, state, reason, priority,
         queued_at, generation_at, changed_at, finished_at)
       SELECT gen_random_uuid(), $1, $2, 'delivery_status', gen_random_uuid(), 'given_up', 'not_retried', 1, $3, $3, $3, $3
       FROM generate_series(1, $4::int) RETURNING id
     ), sealed AS (
       INSERT INTO service_callback_payloads (id, payload) SELECT id, $5 FROM recorded WHERE $5::text IS NOT NULL
     ) SELECT id FROM recorded`,
    [serviceId, endpointId, at, count, payload],
  );
  return rows.map(({ id }) => id);
}

/** The record of a callback that was given up, as SQL shows it. */
export interface GivenUpRow {
  readonly id: string;
  readonly service_id: string | null;
  readonly endpoint_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly url: string | null;
  readonly reason: string;
  readonly detail: string | null;
  readonly payload: string | null;
  readonly generation: number;
  readonly attempts: readonly Readonly<Record<string, unknown>>[];
  readonly [column: string]: unknown;
}

export function givenUpRows(databaseUrl: string): Promise<GivenUpRow[]> {
  return query<GivenUpRow>(
    databaseUrl,
    `SELECT c.*, p.payload FROM service_callbacks c LEFT JOIN service_callback_payloads p ON p.id = c.id
     WHERE c.state = 'given_up' ORDER BY c.finished_at`,
  );
}
