/** Test callbacks are for people; what must be sent often is a callback. */
export class TooManyTestsError extends Error {
  override readonly name = 'TooManyTestsError';

  /** @param retryAfterSeconds when the next one is taken. */
  constructor(
    callbackApiId: string,
    perMinute: number,
    readonly retryAfterSeconds: number,
  ) {
    super(
      `Callback API ${callbackApiId} was sent ${perMinute} test callbacks this minute; ` +
        `the next is possible in ${retryAfterSeconds} s`,
    );
  }
}
