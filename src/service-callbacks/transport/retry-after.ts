import { parseHttpDate } from './http-date.js';

/**
 * A `Retry-After` header (RFC 9110 §10.2.3) as ms from `nowMs`, never negative. A number of seconds that is too large
 * is `Number.MAX_SAFE_INTEGER`; the retry policy has its own maximum. A date in the past is 0. Anything else (a sign,
 * decimals, ISO dates, an empty header) is `undefined`.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  // Optional whitespace (RFC 9110 §5.6.3) is not part of a header's value.
  const text = value?.replace(/^[ \t]+|[ \t]+$/g, '');
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  const date = parseHttpDate(text, nowMs);
  return date === undefined ? undefined : Math.max(0, date - nowMs);
}
