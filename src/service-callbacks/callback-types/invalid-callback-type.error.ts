/** A callback type that cannot be registered under its name. */
export class InvalidCallbackTypeError extends Error {
  override readonly name = 'InvalidCallbackTypeError';

  /** @param problem continues the sentence, `is built in` */
  constructor(
    readonly type: string,
    problem: string,
  ) {
    super(`callback type "${type}" ${problem}; choose another name`);
  }
}
