import { STATUS_CODES } from 'node:http';
import type { GiveUpReason } from '../../service-callbacks/callbacks/callback.js';
import type { DeliveryError } from '../../service-callbacks/connections/errors.js';

const ERRORS: Readonly<Record<DeliveryError, string>> = {
  connection_refused: 'connection refused',
  connection_reset: 'connection reset',
  connection_failed: 'no connection',
  dns_failure: 'host name not found',
  tls_certificate_expired: 'certificate expired',
  tls_certificate_self_signed: 'self-signed certificate',
  tls_certificate_wrong_host: 'certificate of another host',
  tls_failure: 'TLS failed',
  proxy_refused: 'refused by the proxy',
  timeout: 'no response in time',
  invalid_response: 'not an HTTP response',
  address_not_allowed: 'address not allowed',
  port_not_allowed: 'port not allowed',
  scheme_not_allowed: 'scheme not allowed',
  userinfo_not_allowed: 'user name in the URL not allowed',
  invalid_url: 'not a URL',
};

const REASONS: Readonly<Record<GiveUpReason, string>> = {
  not_retried: 'Rejected, not retried',
  retries_exhausted: 'Retries exhausted',
  expired: 'Expired',
  cancelled: 'Endpoint deleted',
  unreadable: 'Unreadable',
  stalled: 'Stalled',
  disabled: 'Endpoint disabled',
};

/** `503 Service Unavailable`, `no response in time`; an unknown code is shown as it is. */
export function failureWords(failure: string): string {
  if (/^\d{3}$/.test(failure)) return [failure, STATUS_CODES[failure]].filter(Boolean).join(' ');
  return ERRORS[failure as DeliveryError] ?? failure.replaceAll('_', ' ');
}

/** The outcome of an attempt: its status code, or why there was no response. */
export function attemptWords(
  statusCode: number | null | undefined,
  error: string | null | undefined,
): string {
  return failureWords(
    statusCode === null || statusCode === undefined ? (error ?? 'unknown') : String(statusCode),
  );
}

export function reasonWords(reason: GiveUpReason): string {
  return REASONS[reason];
}

/** In a sentence: `delivery status`. */
export function typeWords(callbackType: string): string {
  return callbackType.replaceAll('_', ' ');
}
