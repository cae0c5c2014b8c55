/** Two definitions of one callback type. */
export class DuplicateCallbackTypeError extends Error {
  override readonly name = 'DuplicateCallbackTypeError';

  constructor(readonly type: string) {
    super(`callback type "${type}" is defined twice; each type has one definition`);
  }
}
