export class InvalidAlertUrlError extends Error {
  override readonly name = 'InvalidAlertUrlError';

  /** @param problem continues the sentence, `points to an address that may not be called` */
  constructor(url: string, problem: string) {
    super(
      `The URL of the operators' alerts (ALERT_WEBHOOK_URL) ${JSON.stringify(url)} ${problem}; ` +
        'it is held to the same rules as every callback URL (CALLBACK_ALLOW_HTTP, CALLBACK_ALLOWED_NETWORKS, ' +
        'CALLBACK_ALLOWED_PORTS)',
    );
  }
}

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
