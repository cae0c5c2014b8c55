/** Where a request goes, with what credentials. */
export interface Destination {
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the one in use first; none: requests are not signed. */
  readonly signingSecrets: readonly string[];
}
