/** Test callbacks are for people. Code that sends often must send callbacks. */
export class TooManyTestsError extends Error {
  override readonly name = 'TooManyTestsError';

  /** @param retryAfterSeconds the time until the next test is allowed */
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
