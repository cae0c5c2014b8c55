/** Why an attempt got no usable response. One of our own codes, never bytes from a server. */
export type DeliveryError =
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_failed'
  | 'dns_failure'
  | 'tls_certificate_expired'
  | 'tls_certificate_self_signed'
  | 'tls_certificate_wrong_host'
  | 'tls_failure'
  /** The forward proxy could not reach the endpoint, or its rules refuse the endpoint. */
  | 'proxy_refused'
  | 'timeout'
  | 'invalid_response'
  | 'address_not_allowed'
  | 'port_not_allowed'
  | 'scheme_not_allowed'
  | 'userinfo_not_allowed'
  | 'invalid_url';

/** A status code that is no success, or the reason why there was none. */
export type DeliveryFailure =
  | { readonly statusCode: number; readonly error?: undefined }
  | { readonly statusCode?: undefined; readonly error: DeliveryError };

/** The outcome of one attempt. `durationMs` is from the DNS lookup to the decision. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly statusCode: number; readonly durationMs: number }
  | {
      readonly kind: 'retryable';
      readonly failure: DeliveryFailure;
      readonly durationMs: number;
      /** The beginning of the response (`excerptOf`) and its headers (`headersOf`), for the record. */
      readonly excerpt?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** `Retry-After` of a 429 or 503 as ms from now. It has no upper bound here; the retry policy has one. */
      readonly retryAfterMs?: number;
    }
  | {
      readonly kind: 'final';
      readonly failure: DeliveryFailure;
      readonly durationMs: number;
      readonly excerpt?: string;
      readonly headers?: Readonly<Record<string, string>>;
    };
