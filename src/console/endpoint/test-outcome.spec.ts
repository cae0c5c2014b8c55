import { describe, expect, it } from '@jest/globals';
import { renderToString } from 'preact-render-to-string';
import type { TestResult } from '../../service-callbacks/endpoint-health/test-result.js';
import { TestOutcome } from './test-outcome.js';

describe('the outcome of a test callback', () => {
  it('shows what a stranger wrote as text', () => {
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
