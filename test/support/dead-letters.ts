import { query } from './sql.js';

/** A row of the dead-letter table, as SQL shows it. */
export interface DeadLetterRow {
  readonly id: string;
  readonly service_id: string | null;
  readonly callback_api_id: string | null;
  readonly callback_type: string;
  readonly subject_id: string | null;
  readonly url: string | null;
  readonly reason: string;
  readonly detail: string | null;
  readonly document: string | null;
  readonly generation: number;
  readonly attempts: readonly Readonly<Record<string, unknown>>[];
  readonly [column: string]: unknown;
}

export function deadLetters(databaseUrl: string): Promise<DeadLetterRow[]> {
  return query<DeadLetterRow>(
    databaseUrl,
    'SELECT * FROM service_callback_dead_letters ORDER BY given_up_at',
  );
}
