/** A callback type cannot be registered under its name. */
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

/** Two callback types have the same name. */
export class DuplicateCallbackTypeError extends Error {
  override readonly name = 'DuplicateCallbackTypeError';

  /**
   * @param first where the first definition comes from
   * @param second where the second definition comes from
   */
  constructor(
    readonly type: string,
    first: string,
    second: string,
  ) {
    super(
      `callback type "${type}" is defined twice, by ${first} and by ${second}; each type has one definition`,
    );
  }
}

export class UnknownCallbackTypeError extends Error {
  override readonly name = 'UnknownCallbackTypeError';

  constructor(type: string, known: readonly string[]) {
    super(`The callback type ${JSON.stringify(type)} is not known; known are ${known.join(', ')}`);
  }
}

/** `identify()` of a callback type returned an invalid service or subject id; nothing was queued. */
export class InvalidSubjectError extends Error {
  override readonly name = 'InvalidSubjectError';

  /** @param problem continues the sentence, `is empty` */
  constructor(type: string, field: string, problem: string) {
    super(`The ${field} of a callback of type ${JSON.stringify(type)} ${problem}`);
  }
}

/** `payload()` of a callback type returned something that cannot be sent; nothing was queued. */
export class UnsendablePayloadError extends Error {
  override readonly name = 'UnsendablePayloadError';

  /** @param problem continues the sentence "The payload of … " */
  constructor(type: string, problem: string, cause?: unknown) {
    super(`The payload of the callback type ${JSON.stringify(type)} ${problem}`, { cause });
  }
}
