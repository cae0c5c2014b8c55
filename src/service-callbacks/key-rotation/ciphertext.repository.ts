import type { DataSource } from 'typeorm';
import { bearerTokenBinding, signingSecretBinding } from '../endpoints/callback-api.entity.js';
import { payloadBinding } from '../callbacks/callback.js';

/** A column with ciphertexts of the `PayloadCipher`. */
export interface EncryptedColumn {
  readonly table: string;
  readonly column: string;
  /** Associated data of the ciphertext in the row of this id. */
  readonly bindingOf: (id: string) => string;
}

/** All such columns. The ciphertexts of a column that is missing here are lost with their key. */
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

/** How many ciphertexts of a column use one key. */
export interface KeyUse {
  readonly table: string;
  readonly column: string;
  readonly keyId: string;
  readonly count: number;
}

/** The id of a ciphertext's key stands before its dot. */
const keyIdIn = (column: string): string => `split_part(${column}, '.', 1)`;

/** Reads and replaces ciphertexts in any table. Names of tables come from `ENCRYPTED_COLUMNS` only. */
export class CiphertextRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The next few ciphertexts with another key than this one, in the order of their ids. */
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

  /** @returns false if the column has changed since it was read: the change used the current key */
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
