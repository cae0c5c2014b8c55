import type { PayloadCipher } from '../security/payload-cipher.js';
import type { CiphertextRepository, KeyUse, StoredCiphertext } from './ciphertext.repository.js';
import { ENCRYPTED_COLUMNS, type EncryptedColumn } from './encrypted-columns.js';

const BATCH = 500;

/** The result for one column. */
export interface ColumnRotation {
  readonly table: string;
  readonly column: string;
  /** Re-encrypted with the current key. */
  readonly rotated: number;
  /** Changed by a running process meanwhile, with the current key. */
  readonly overtaken: number;
  /** Left unchanged: their key is not configured any more, or they were altered. */
  readonly unreadable: number;
}

/** The progress in one column. */
export interface RotationProgress {
  readonly table: string;
  readonly column: string;
  /** Ciphertexts that were read, of the `total` that had other keys at the start. */
  readonly done: number;
  readonly total: number;
}

/**
 * Re-encrypts everything that is stored with the current key, while processes run: a ciphertext is replaced only if it
 * has not changed since it was read. After a crash, a new start continues with what is left.
 */
export class KeyRotation {
  constructor(
    private readonly repository: CiphertextRepository,
    private readonly cipher: PayloadCipher,
  ) {}

  async run(onProgress: (progress: RotationProgress) => void = () => undefined): Promise<ColumnRotation[]> {
    const rotations: ColumnRotation[] = [];
    for (const column of ENCRYPTED_COLUMNS) rotations.push(await this.rotate(column, onProgress));
    return rotations;
  }

  /** Every key in use, for each column. */
  async uses(): Promise<KeyUse[]> {
    return (await Promise.all(ENCRYPTED_COLUMNS.map((column) => this.repository.countByKey(column)))).flat();
  }

  private async rotate(
    column: EncryptedColumn,
    onProgress: (progress: RotationProgress) => void,
  ): Promise<ColumnRotation> {
    const counts = { rotated: 0, overtaken: 0, unreadable: 0 };
    const at = { table: column.table, column: column.column };
    const total = await this.countUnderOtherKeys(column);
    let done = 0;
    let after: string | undefined;
    for (;;) {
      if (done < total) onProgress({ ...at, done, total });
      const batch = await this.repository.batchUnderOtherKeys(column, this.cipher.currentKeyId, after, BATCH);
      for (const stored of batch) counts[await this.rotateOne(column, stored)] += 1;
      done += batch.length;
      after = batch.at(-1)?.id;
      if (after === undefined) return { ...at, ...counts };
    }
  }

  private async countUnderOtherKeys(column: EncryptedColumn): Promise<number> {
    const uses = await this.repository.countByKey(column);
    return uses
      .filter(({ keyId }) => keyId !== this.cipher.currentKeyId)
      .reduce((sum, { count }) => sum + count, 0);
  }

  private async rotateOne(
    column: EncryptedColumn,
    stored: StoredCiphertext,
  ): Promise<'rotated' | 'overtaken' | 'unreadable'> {
    const binding = column.bindingOf(stored.id);
    const plaintext = this.read(stored.ciphertext, binding);
    if (plaintext === undefined) return 'unreadable';
    const isReplaced = await this.repository.replace(column, stored, this.cipher.encrypt(plaintext, binding));
    return isReplaced ? 'rotated' : 'overtaken';
  }

  private read(ciphertext: string, binding: string): string | undefined {
    try {
      return this.cipher.decrypt(ciphertext, binding);
    } catch {
      // `uses` says which keys those are.
      return undefined;
    }
  }
}
