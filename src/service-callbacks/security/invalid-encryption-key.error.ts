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
