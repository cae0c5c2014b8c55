import { describe, expect, it } from '@jest/globals';
import { renderToString } from 'preact-render-to-string';
import type { TestResult } from '../../service-callbacks/test-callback/test-result.js';
import { TestOutcome } from './test-outcome.js';

const EXPIRED: TestResult = {
  id: 'an-id',
  url: 'https://hooks.example.com/',
  at: new Date(0),
  outcome: { kind: 'retryable', failure: { error: 'timeout' }, durationMs: 12 },
  connection: {
    addresses: ['203.0.113.5'],
    dialled: '203.0.113.5:443',
    tls: {
      protocol: 'TLSv1.3',
      subject: '',
      issuer: '',
      names: '',
      validFrom: new Date(0),
      validTo: new Date('2027-01-31T00:00:00Z'),
    },
  },
  location: null,
  excerpt: null,
  hint: 'hooks.example.com has no address',
};

describe('the outcome of a test callback', () => {
  it.each([
    ['hooks.example.com has no address', 'hooks.example.com has no address.'],
    ['203.0.113.5:443 did not respond', '203.0.113.5:443 did not respond.'],
    ['connection refused: is it listening?', 'Connection refused: is it listening?'],
  ])('makes a sentence of %j and leaves a host name as it is', (hint, sentence) => {
    expect(renderToString(TestOutcome({ result: { ...EXPIRED, hint } }))).toContain(`</span> ${sentence}<`);
  });

  it('leaves out names that a certificate does not have', () => {
    expect(renderToString(TestOutcome({ result: EXPIRED }))).toContain(
      '<dd>TLSv1.3, certificate, valid until 2027-01-31</dd>',
    );
  });

  it("shows a stranger's text as text, not as markup", () => {
    const evil = '</code><script>alert(1)</script><img src=x onerror=alert(1)>';
    const result: TestResult = {
      id: 'an-id',
      url: 'https://example.com/',
      at: new Date(0),
      outcome: { kind: 'final', failure: { statusCode: 302 }, durationMs: 12 },
      connection: {
        addresses: ['203.0.113.5'],
        dialled: '203.0.113.5:443',
        tls: {
          protocol: 'TLSv1.3',
          subject: evil,
          issuer: evil,
          names: evil,
          validFrom: new Date(0),
          validTo: new Date(0),
        },
      },
      location: `https://example.com/"${evil}`,
      excerpt: evil,
      hint: 'your server redirects',
    };
    const html = renderToString(TestOutcome({ result }));
    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain('&lt;script');
    expect(html).toContain('302 Found');
    expect(html).toContain('Your server redirects.');
  });
});
