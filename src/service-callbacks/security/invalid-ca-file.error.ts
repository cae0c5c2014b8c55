export class InvalidCaFileError extends Error {
  override readonly name = 'InvalidCaFileError';

  /** @param problem continues the sentence, `has no PEM certificate in it` */
  constructor(path: string, problem: string) {
    super(`The file of extra certificates (CALLBACK_EXTRA_CA_FILE) ${JSON.stringify(path)} ${problem}`);
  }
}
