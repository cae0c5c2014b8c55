/** One attempt with everything that the client needs. */
export interface CallbackRequest {
  /** The callback's id, the same on every attempt; sent as `webhook-id`. */
  readonly id: string;
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the current one first. Empty: the request is not signed. */
  readonly signingSecrets: readonly string[];
  /** The JSON text of the payload. */
  readonly body: string;
  /** Headers beside those of every callback; names in lower case. */
  readonly extraHeaders?: Readonly<Record<string, string>>;
}
