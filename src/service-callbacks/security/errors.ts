/** A ciphertext is malformed, was altered, or belongs elsewhere. The message repeats nothing of it. */
export class CorruptCiphertextError extends Error {
  override readonly name = 'CorruptCiphertextError';

  constructor(
    problem: 'is malformed' | 'does not authenticate: it was altered or belongs to something else',
  ) {
    super(`the ciphertext ${problem}`);
  }
}

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

/** An encryption key is invalid. The message says which key and why, but never shows it. */
export class InvalidEncryptionKeyError extends Error {
  override readonly name = 'InvalidEncryptionKeyError';

  /**
   * @param which the key's id in quotes, or its position
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
