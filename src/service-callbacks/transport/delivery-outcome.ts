import type { DeliveryError } from '../connections/errors.js';

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
