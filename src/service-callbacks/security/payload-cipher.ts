import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import { CorruptCiphertextError, UnknownEncryptionKeyError } from './errors.js';
import { KEY_ID_PATTERN, parseEncryptionKeys, type EncryptionKeys } from './encryption-keys.js';

const ALGORITHM = 'aes-256-gcm';
/** 96 bits, the length GCM is made for (NIST SP 800-38D §8.2). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts payloads, jobs and columns at rest with AES-256-GCM: the first key encrypts, every key decrypts.
 *
 * A token is `<kid>.<base64url(nonce ‖ ciphertext ‖ tag)>`. The key id is in clear, so that it is known which keys are
 * still in use. It is authenticated together with the associated data, which binds a token to its row or callback:
 * elsewhere, the token does not decrypt. Nonces are random, so a key must be replaced before it has encrypted 2^32
 * texts (NIST SP 800-38D §8.3). Texts are UTF-8: half of a surrogate pair has no UTF-8 form and comes back as U+FFFD.
 */
export class PayloadCipher {
  private readonly keys: EncryptionKeys;

  /**
   * @param keys `kid:base64(32 bytes)`, at least one
   * @throws InvalidEncryptionKeyError naming the key's id, never the key
   */
  constructor(keys: readonly string[]) {
    this.keys = parseEncryptionKeys(keys);
  }

  /** The id of the key that encrypts. */
  get currentKeyId(): string {
    return this.keys.current.id;
  }

  encrypt(plaintext: string, associatedData: string): string {
    const { id, key } = this.keys.current;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(authenticated(id, associatedData));
    const ciphertext = [cipher.update(plaintext, 'utf8'), cipher.final()];
    return `${id}.${Buffer.concat([nonce, ...ciphertext, cipher.getAuthTag()]).toString('base64url')}`;
  }

  /**
   * @throws UnknownEncryptionKeyError if the token's key is not configured
   * @throws CorruptCiphertextError if the token is malformed, or does not match `associatedData`
   */
  decrypt(token: string, associatedData: string): string {
    const { keyId, sealed } = parseToken(token);
    const decipher = createDecipheriv(ALGORITHM, this.keyOf(keyId), sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(authenticated(keyId, associatedData));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      // The error's type says more than OpenSSL's message.
      throw new CorruptCiphertextError('does not authenticate: it was altered or belongs to something else');
    }
  }

  private keyOf(keyId: string): KeyObject {
    const key = this.keys.byId.get(keyId);
    if (key === undefined) throw new UnknownEncryptionKeyError(keyId, [...this.keys.byId.keys()]);
    return key;
  }
}

function parseToken(token: string): { keyId: string; sealed: Buffer } {
  const dot = token.indexOf('.');
  const keyId = token.slice(0, Math.max(dot, 0));
  const encoded = token.slice(dot + 1);
  const sealed = Buffer.from(encoded, 'base64url');
  const isWellFormed =
    KEY_ID_PATTERN.test(keyId) &&
    sealed.length >= NONCE_BYTES + TAG_BYTES &&
    // Node ignores foreign characters and unused bits: without this check an altered token could still decrypt.
    sealed.toString('base64url') === encoded;
  if (!isWellFormed) throw new CorruptCiphertextError('is malformed');
  return { keyId, sealed };
}

/** A key id has no dot, so the two parts cannot be confused. */
function authenticated(keyId: string, associatedData: string): Buffer {
  return Buffer.from(`${keyId}.${associatedData}`, 'utf8');
}
