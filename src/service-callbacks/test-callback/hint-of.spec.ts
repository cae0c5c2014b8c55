import { describe, expect, it } from '@jest/globals';
import type { DeliveryError } from '../connections/errors.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { hintOf } from './hint-of.js';

const URL = 'https://service.example.com/callbacks';
const tls = {
  protocol: null,
  subject: 'CN=other',
  names: 'DNS:other.example.com',
  issuer: 'CN=some authority',
  validFrom: new Date('2020-01-01T00:00:00Z'),
  validTo: new Date('2021-01-01T00:00:00Z'),
};

const hint = (outcome: DeliveryOutcome, location: string | null = null) =>
  hintOf({
    url: URL,
    outcome,
    connection: { addresses: ['203.0.113.5'], dialled: '203.0.113.5:443', tls },
    location,
    timeoutMs: 5_000,
  });
const responded = (statusCode: number): DeliveryOutcome =>
  statusCode < 300
    ? { kind: 'delivered', statusCode, durationMs: 12 }
    : { kind: statusCode < 500 ? 'final' : 'retryable', failure: { statusCode }, durationMs: 12 };

describe('hintOf', () => {
  it.each<[number, RegExp]>([
    [204, /^your server accepted it with 204, after 12 ms$/],
    [400, /does not accept this payload/],
    [401, /does not accept the bearer token/],
    [403, /firewall/],
    [404, /nothing at this path/],
    [405, /does not accept POST/],
    [410, /disables the endpoint at once/],
    [418, /rejects this request; a callback with such a response is not retried/],
    [429, /requests too often/],
    [500, /a fault of its own; callbacks are retried/],
    [502, /proxy in front of it/],
    [503, /not available now/],
  ])('of a %s', (statusCode, words) => {
    expect(hint(responded(statusCode))).toMatch(words);
  });

  it('of a redirect names its location, and says that callbacks do not follow it', () => {
    expect(hint(responded(301), 'https://www.example.com/')).toBe(
      'your server redirects to https://www.example.com/ (301); callbacks do not follow redirects: ' +
        'register the URL it redirects to',
    );
  });

  it.each([
    [302, null],
    [300, 'https://www.example.com/'],
    [304, 'https://www.example.com/'],
    [304, null],
  ])('of a %s with Location %s says only that it is no 2xx', (statusCode, location) => {
    expect(hint(responded(statusCode), location)).toMatch(
      new RegExp(`^your server responded ${statusCode}: only a 2xx`),
    );
  });

  const errors: Readonly<Record<DeliveryError, RegExp>> = {
    connection_refused: /^connection refused by 203\.0\.113\.5:443: is the server listening\?$/,
    connection_reset: /203\.0\.113\.5:443 closed the connection .* port for https\?/,
    connection_failed: /no connection to 203\.0\.113\.5:443/,
    dns_failure: /service\.example\.com has no address/,
    tls_certificate_expired: /service\.example\.com expired on 2021-01-01T00:00:00\.000Z/,
    tls_certificate_self_signed: /signed by itself.*issued by CN=some authority/,
    tls_certificate_wrong_host: /not for service\.example\.com \(it is for DNS:other\.example\.com\)/,
    tls_failure: /TLS 1\.2/,
    proxy_refused: /own proxy/,
    timeout: /did not respond within 5000 ms: reply at once, do the work afterwards$/,
    invalid_response: /not HTTP/,
    address_not_allowed: /must be public/,
    port_not_allowed: /port/,
    scheme_not_allowed: /not https/,
    userinfo_not_allowed: /user name or a password/,
    invalid_url: /not a URL/,
  };

  it.each(Object.entries(errors) as [DeliveryError, RegExp][])('of %s', (error, words) => {
    expect(hint({ kind: 'retryable', failure: { error }, durationMs: 3 })).toMatch(words);
  });
});
