import type { DataSource } from 'typeorm';
import { bearerTokenBinding, signingSecretBinding } from '../endpoints/callback-api.entity.js';
import { payloadBinding } from '../callbacks/callback.js';

/** A column whose texts are ciphertexts of the `PayloadCipher`. */
export interface EncryptedColumn {
  readonly table: string;
  readonly column: string;
  /** Associated data of the ciphertext in the row of this id. */
  readonly bindingOf: (id: string) => string;
}

/** All of them. A new one that is not listed here would be lost with its key. */
export const ENCRYPTED_COLUMNS: readonly EncryptedColumn[] = [
  { table: 'service_callback_apis', column: 'bearer_token', bindingOf: bearerTokenBinding },
  { table: 'service_callback_apis', column: 'signing_secret', bindingOf: signingSecretBinding },
  { table: 'service_callback_apis', column: 'previous_signing_secret', bindingOf: signingSecretBinding },
  { table: 'service_callback_payloads', column: 'payload', bindingOf: payloadBinding },
];

export interface StoredCiphertext {
  readonly id: string;
  readonly ciphertext: string;
}

/** How many ciphertexts of a column are under one key. */
export interface KeyUse {
  readonly table: string;
  readonly column: string;
  readonly keyId: string;
  readonly count: number;
}

/** What is in front of a ciphertext's dot is the id of its key. */
const keyIdIn = (column: string): string => `split_part(${column}, '.', 1)`;

/** Ciphertexts as they are stored, whatever their table. Names come from `ENCRYPTED_COLUMNS` alone. */
export class CiphertextRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The next few that are under another key than this one, in the order of their ids. */
  batchUnderOtherKeys(
    { table, column }: EncryptedColumn,
    keyId: string,
    after: string | undefined,
    limit: number,
  ): Promise<StoredCiphertext[]> {
    return this.dataSource.query<StoredCiphertext[]>(
      `SELECT id, ${column} AS ciphertext FROM ${table}
       WHERE ${column} IS NOT NULL AND ${keyIdIn(column)} <> $1 AND ($2::uuid IS NULL OR id > $2::uuid)
       ORDER BY id LIMIT $3`,
      [keyId, after ?? null, limit],
    );
  }

  /** @returns false if the column has changed since it was read: the change used the current key. */
  async replace(
    { table, column }: EncryptedColumn,
    old: StoredCiphertext,
    ciphertext: string,
  ): Promise<boolean> {
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `UPDATE ${table} SET ${column} = $1 WHERE id = $2 AND ${column} = $3`,
      [ciphertext, old.id, old.ciphertext],
    );
    return count > 0;
  }

  async countByKey({ table, column }: EncryptedColumn): Promise<KeyUse[]> {
    const rows = await this.dataSource.query<{ key_id: string; count: string }[]>(
      `SELECT ${keyIdIn(column)} AS key_id, count(*) AS count FROM ${table}
       WHERE ${column} IS NOT NULL GROUP BY 1 ORDER BY 1`,
    );
    return rows.map((row) => ({ table, column, keyId: row.key_id, count: Number(row.count) }));
  }
}
