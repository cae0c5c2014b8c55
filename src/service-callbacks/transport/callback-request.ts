/** One attempt, ready to be sent: everything the client needs and nothing else. */
export interface CallbackRequest {
  /** The callback's id, the same over every attempt; sent as `webhook-id`. */
  readonly id: string;
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the one in use first. None: the request is not signed. */
  readonly signingSecrets: readonly string[];
  /** The JSON document, serialised. */
  readonly body: string;
  /** Beside those that every callback has; names in lower case. */
  readonly extraHeaders?: Readonly<Record<string, string>>;
}
