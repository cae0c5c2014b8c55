import type { DataSource } from 'typeorm';
import { PayloadCipher } from '../security/payload-cipher.js';
import {
  CiphertextRepository,
  ENCRYPTED_COLUMNS,
  type EncryptedColumn,
  type KeyUse,
  type StoredCiphertext,
} from './ciphertext.repository.js';

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

/** How far one column is. */
export interface RotationProgress {
  readonly table: string;
  readonly column: string;
  /** Ciphertexts that were read, of the `total` that had other keys at the start. */
  readonly done: number;
  readonly total: number;
}

export interface RotateKeysOptions {
  /** The module's option of this name: the first key encrypts, all decrypt. */
  readonly encryptionKeys: readonly string[];
  /** Called after every few hundred ciphertexts. */
  readonly onProgress?: (progress: RotationProgress) => void;
}

export interface RotatedKeys {
  readonly currentKeyId: string;
  readonly columns: readonly ColumnRotation[];
}

export interface KeysInUse {
  readonly currentKeyId: string;
  /** What other keys still encrypt: these keys cannot be removed yet. */
  readonly needed: readonly KeyUse[];
}

/**
 * Re-encrypts everything that is stored with the first key, while processes run: a text is replaced only if it is still
 * the one that was read. It can be stopped and started again.
 * @param dataSource the host's, connected
 * @throws InvalidEncryptionKeyError
 */
export async function rotateKeys(
  dataSource: DataSource,
  { encryptionKeys, onProgress }: RotateKeysOptions,
): Promise<RotatedKeys> {
  const cipher = new PayloadCipher(encryptionKeys);
  const rotation = new KeyRotation(new CiphertextRepository(dataSource), cipher);
  return { currentKeyId: cipher.currentKeyId, columns: await rotation.run(onProgress) };
}

/**
 * The keys beside the first that are still needed.
 * @throws InvalidEncryptionKeyError
 */
export async function keysInUse(
  dataSource: DataSource,
  { encryptionKeys }: Pick<RotateKeysOptions, 'encryptionKeys'>,
): Promise<KeysInUse> {
  const cipher = new PayloadCipher(encryptionKeys);
  const rotation = new KeyRotation(new CiphertextRepository(dataSource), cipher);
  const needed = await Promise.all(ENCRYPTED_COLUMNS.map((column) => rotation.underOtherKeys(column)));
  return { currentKeyId: cipher.currentKeyId, needed: needed.flat() };
}

/** One run; after a crash, another run continues with what is left. */
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

  async underOtherKeys(column: EncryptedColumn): Promise<KeyUse[]> {
    const uses = await this.repository.countByKey(column);
    return uses.filter(({ keyId }) => keyId !== this.cipher.currentKeyId);
  }

  private async rotate(
    column: EncryptedColumn,
    onProgress: (progress: RotationProgress) => void,
  ): Promise<ColumnRotation> {
    const counts = { rotated: 0, overtaken: 0, unreadable: 0 };
    const at = { table: column.table, column: column.column };
    const total = (await this.underOtherKeys(column)).reduce((sum, { count }) => sum + count, 0);
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
      // Which keys those are is what `keysInUse` says.
      return undefined;
    }
  }
}
