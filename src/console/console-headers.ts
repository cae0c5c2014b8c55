import type { Response } from 'express';

/** All content comes from this server, nothing is inline, no page may frame it, and forms are sent only here. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/**
 * Headers of every page. `Referrer-Policy` is not `no-referrer`: with that, a browser sends `Origin: null` for our own
 * forms.
 */
export function setPageHeaders(response: Response): void {
  response.set({
    'Content-Security-Policy': POLICY,
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cache-Control': 'no-store',
    'Content-Type': 'text/html; charset=utf-8',
  });
}
