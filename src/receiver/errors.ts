/** Why a request is not a valid callback. */
export type VerificationFailure =
  | 'header_missing'
  | 'header_malformed'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'signature_mismatch'
  | 'bearer_token_mismatch'
  | 'body_not_json';

/** The request cannot be trusted; respond with 401. The message has no secret and nothing of the body. */
export class CallbackVerificationError extends Error {
  override readonly name = 'CallbackVerificationError';

  constructor(
    readonly reason: VerificationFailure,
    message: string,
  ) {
    super(message);
  }
}

/** A signing secret or bearer token in the receiver's own options is invalid. */
export class InvalidReceiverOptionsError extends Error {
  override readonly name = 'InvalidReceiverOptionsError';

  /** @param problems one sentence each, without the values */
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** The call needs an open transaction: otherwise the mark and the effects could not commit together. */
export class TransactionRequiredError extends Error {
  override readonly name = 'TransactionRequiredError';

  constructor() {
    super(
      'markReceived() needs the manager of an open PostgreSQL transaction, the one that the effects are written in: ' +
        'dataSource.transaction(async (manager) => …)',
    );
  }
}
