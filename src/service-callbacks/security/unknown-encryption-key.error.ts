/** A ciphertext made under a key that is not configured, such as one retired too early. */
export class UnknownEncryptionKeyError extends Error {
  override readonly name = 'UnknownEncryptionKeyError';

  constructor(
    readonly keyId: string,
    readonly knownKeyIds: readonly string[],
  ) {
    super(
      `encrypted under the key "${keyId}", which is not configured (known: ${knownKeyIds.join(', ')}); ` +
        'keep a retired key in the list until nothing needs it',
    );
  }
}
