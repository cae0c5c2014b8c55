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
