/** The URL and the credentials of a request. */
export interface Destination {
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the current one first; empty: requests are not signed. */
  readonly signingSecrets: readonly string[];
}
