/** A ciphertext that is malformed, was altered, or belongs elsewhere. Repeats none of its contents. */
export class CorruptCiphertextError extends Error {
  override readonly name = 'CorruptCiphertextError';

  constructor(
    problem: 'is malformed' | 'does not authenticate: it was altered or belongs to something else',
  ) {
    super(`the ciphertext ${problem}`);
  }
}

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

/** An encryption key that cannot be used. Says which one and why, never the key. */
export class InvalidEncryptionKeyError extends Error {
  override readonly name = 'InvalidEncryptionKeyError';

  /**
   * @param which the key's id in quotes, or where it stands
   * @param problem continues the sentence, `has 16 bytes`
   */
  constructor(which: string, problem: string) {
    super(`encryption key ${which} ${problem}; keys are written "kid:base64(32 bytes)", the first encrypts`);
  }
}

export class InvalidCaFileError extends Error {
  override readonly name = 'InvalidCaFileError';

  /** @param problem continues the sentence, `has no PEM certificate in it` */
  constructor(path: string, problem: string) {
    super(`The file of extra certificates (CALLBACK_EXTRA_CA_FILE) ${JSON.stringify(path)} ${problem}`);
  }
}
