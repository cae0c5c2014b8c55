/** A ciphertext is malformed, was altered, or belongs elsewhere. The message repeats nothing of it. */
export class CorruptCiphertextError extends Error {
  override readonly name = 'CorruptCiphertextError';

  constructor(
    problem: 'is malformed' | 'does not authenticate: it was altered or belongs to something else',
  ) {
    super(`the ciphertext ${problem}`);
  }
}
