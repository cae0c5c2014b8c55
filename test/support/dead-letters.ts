import { query } from './sql.js';

/** The record of a callback that was given up, as SQL shows it. */
export interface DeadLetterRow {
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

export function deadLetters(databaseUrl: string): Promise<DeadLetterRow[]> {
  return query<DeadLetterRow>(
    databaseUrl,
    `SELECT c.*, p.payload FROM service_callbacks c LEFT JOIN service_callback_payloads p ON p.id = c.id
     WHERE c.state = 'given_up' ORDER BY c.finished_at`,
  );
}
