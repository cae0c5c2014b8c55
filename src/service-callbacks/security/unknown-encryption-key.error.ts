/** The key of a ciphertext is not configured, for example because it was removed too early. */
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
