import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { InvalidEncryptionKeyError } from './errors.js';

/** 256 bits. */
const KEY_BYTES = 32;

/** A key id is written in clear: before a ciphertext's dot, in a comma-separated list, and in log lines. */
export const KEY_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/** Keys by id, in the given order: the first encrypts, all decrypt. */
export interface EncryptionKeys {
  readonly current: { readonly id: string; readonly key: KeyObject };
  readonly byId: ReadonlyMap<string, KeyObject>;
}

/**
 * Parses keys `kid:base64(32 bytes)`, as `CALLBACK_ENCRYPTION_KEYS` has them.
 * @throws InvalidEncryptionKeyError naming the key's id, or its position without one; never the key
 */
export function parseEncryptionKeys(keys: readonly string[]): EncryptionKeys {
  const byId = new Map<string, KeyObject>();
  for (const [index, text] of keys.entries()) {
    const { id, key } = parseEncryptionKey(text, index + 1);
    if (byId.has(id)) throw new InvalidEncryptionKeyError(`"${id}"`, 'is given twice');
    byId.set(id, key);
  }
  for (const [id, key] of byId) return { current: { id, key }, byId };
  throw new InvalidEncryptionKeyError('list', 'is empty');
}

/** A new random key, `kid:base64(32 bytes)`. */
export function generateEncryptionKey(kid: string): string {
  if (!KEY_ID_PATTERN.test(kid))
    throw new RangeError(`key id "${kid}" does not match ${KEY_ID_PATTERN.source}`);
  return `${kid}:${randomBytes(KEY_BYTES).toString('base64')}`;
}

function parseEncryptionKey(text: string, position: number): { id: string; key: KeyObject } {
  const colon = text.indexOf(':');
  const id = text.slice(0, Math.max(colon, 0));
  if (!KEY_ID_PATTERN.test(id)) {
    // The text in place of the id may be the key itself: the message does not repeat it.
    throw new InvalidEncryptionKeyError(
      `number ${position}`,
      `has no key id that matches ${KEY_ID_PATTERN.source}`,
    );
  }
  const encoded = text.slice(colon + 1);
  const bytes = Buffer.from(encoded, 'base64');
  // Node ignores invalid characters of base64. A valid text is one that encodes to itself.
  if (bytes.toString('base64') !== encoded) throw new InvalidEncryptionKeyError(`"${id}"`, 'is not base64');
  if (bytes.length !== KEY_BYTES) throw new InvalidEncryptionKeyError(`"${id}"`, `has ${bytes.length} bytes`);
  return { id, key: createSecretKey(bytes) };
}
