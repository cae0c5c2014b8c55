import type { DeliveryError } from '../connections/errors.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import type { TestResult } from './test-result.js';

type Facts = Pick<TestResult, 'url' | 'outcome' | 'connection' | 'location'> & {
  /** The attempt's deadline, ms. */
  readonly timeoutMs: number;
};

/** What a test showed, and what the person who runs the endpoint can do about it. */
export function hintOf(facts: Facts): string {
  const { outcome } = facts;
  if (outcome.kind === 'delivered') {
    return `your server accepted it with ${outcome.statusCode}, after ${outcome.durationMs} ms`;
  }
  const { statusCode, error } = outcome.failure;
  return statusCode === undefined ? ofError(error, facts) : ofStatus(statusCode, outcome, facts);
}

function ofStatus(
  statusCode: number,
  outcome: Exclude<DeliveryOutcome, { kind: 'delivered' }>,
  { location }: Facts,
): string {
  if (REDIRECTS.has(statusCode) && location !== null) {
    return `your server redirects to ${location} (${statusCode}); callbacks do not follow redirects: register the URL it redirects to`;
  }
  if (statusCode < 400) {
    return `your server responded ${statusCode}: only a 2xx means that it is delivered; a callback with such a response is not retried`;
  }
  const known = BY_STATUS[statusCode];
  if (known !== undefined) return `your server responded ${statusCode}: ${known}`;
  if (outcome.kind === 'retryable') {
    return `your server responded ${statusCode}: it has a fault of its own; callbacks are retried later`;
  }
  return `your server responded ${statusCode}: it rejects this request; a callback with such a response is not retried`;
}

/** The redirects with a `Location` (RFC 9110 §15.4). */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'it does not accept this payload; a callback with such a response is not retried',
  401: 'it does not accept the bearer token; register the one it expects',
  403: 'it does not let this request in; check the bearer token, and any firewall in front of it',
  404: 'there is nothing at this path; check the URL',
  405: 'it does not accept POST requests at this path; check the URL',
  410: 'it wants no callbacks any more; such a response disables the endpoint at once',
  413: 'the payload is too large for it; it must accept at least 64 KiB',
  415: 'it does not accept application/json at this path',
  429: 'it gets requests too often; callbacks wait as long as its Retry-After says, within bounds',
  502: 'the proxy in front of it got no response from it',
  503: 'it is not available now; callbacks wait as long as its Retry-After says, within bounds',
  504: 'the proxy in front of it got no response from it in time',
};

function ofError(error: DeliveryError, { url, connection, timeoutMs }: Facts): string {
  const host = URL.parse(url)?.hostname ?? url;
  const whom = connection.dialled ?? host;
  const { tls } = connection;
  switch (error) {
    case 'connection_refused':
      return `connection refused by ${whom}: is the server listening?`;
    case 'connection_reset':
      return `${whom} closed the connection before its response: is this its port for ${schemeOf(url)}?`;
    case 'connection_failed':
      return `no connection to ${whom}: no route to it, or a firewall in between`;
    case 'dns_failure':
      return `${host} has no address: check the name, and its records in DNS`;
    case 'tls_certificate_expired':
      return tls
        ? `the certificate of ${host} expired on ${tls.validTo.toISOString()}: renew it`
        : `the certificate of ${host} has expired: renew it`;
    case 'tls_certificate_self_signed':
      return `the certificate of ${host} is signed by itself, or by an authority nobody knows${issuedBy(tls)}: use one of a public authority, and send its whole chain`;
    case 'tls_certificate_wrong_host':
      return `the certificate is not for ${host}${tls ? ` (it is for ${tls.names || tls.subject})` : ''}: use one that names it`;
    case 'tls_failure':
      return `no TLS connection to ${whom}${issuedBy(tls)}: it must speak TLS 1.2 or later, with a certificate of a public authority and its whole chain`;
    case 'proxy_refused':
      return `the platform's own proxy did not get through to ${whom}: is the server listening?`;
    case 'timeout':
      return `${whom} did not respond within ${timeoutMs} ms: reply at once, do the work afterwards`;
    case 'invalid_response':
      return `the response of ${whom} is not HTTP/1.1, or its headers are too large`;
    case 'address_not_allowed':
      return `${host} is an address that may not be called: it must be public`;
    case 'port_not_allowed':
      return `the port of ${url} may not be called`;
    case 'scheme_not_allowed':
      return `${url} is not https`;
    case 'userinfo_not_allowed':
      return 'the URL has a user name or a password in it';
    case 'invalid_url':
      return `${url} is not a URL`;
  }
}

function issuedBy(tls: { readonly issuer: string } | null): string {
  return tls ? ` (issued by ${tls.issuer || 'nobody named'})` : '';
}

function schemeOf(url: string): string {
  return url.startsWith('https:') ? 'https' : 'http';
}
