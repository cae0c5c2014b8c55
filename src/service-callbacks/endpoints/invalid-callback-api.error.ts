export class InvalidCallbackApiError extends Error {
  /** @param problems one message a bad field. */
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'InvalidCallbackApiError';
  }
}
