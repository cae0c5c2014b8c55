import type { DataSource } from 'typeorm';
import { PayloadCipher } from '../security/payload-cipher.js';
import { CiphertextRepository, type KeyUse } from './ciphertext.repository.js';
import { KeyRotation, type ColumnRotation, type RotationProgress } from './key-rotation.js';

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
 * Re-encrypts everything that is stored with the first key, while processes run. It can be stopped and started again.
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
  const uses = await new KeyRotation(new CiphertextRepository(dataSource), cipher).uses();
  const { currentKeyId } = cipher;
  return { currentKeyId, needed: uses.filter(({ keyId }) => keyId !== currentKeyId) };
}
