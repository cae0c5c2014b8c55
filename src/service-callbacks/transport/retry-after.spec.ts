import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../../test/support/builders/any-text.js';
import { parseRetryAfter } from './retry-after.js';

const NOW = Date.UTC(2026, 5, 20, 12, 0, 0);

describe('parseRetryAfter', () => {
  it.each<[string, string | undefined, number | undefined]>([
    ['no header', undefined, undefined],
    ['seconds', '120', 120_000],
    ['zero', '0', 0],
    ['leading zeros', '007', 7_000],
    ['whitespace around the value', ' \t5 ', 5_000],
    ['seconds past what a number counts exactly', '9007199254740991', Number.MAX_SAFE_INTEGER],
    ['absurdly many digits', '9'.repeat(5_000), Number.MAX_SAFE_INTEGER],
    ['IMF-fixdate', 'Sat, 20 Jun 2026 12:00:30 GMT', 30_000],
    ['RFC 850', 'Saturday, 20-Jun-26 12:01:00 GMT', 60_000],
    ['asctime', 'Sat Jun 20 12:00:05 2026', 5_000],
    ['asctime with a one-digit day', 'Wed Jul  1 12:00:00 2026', 11 * 86_400_000],
    ['a leap second', 'Sat, 20 Jun 2026 12:00:60 GMT', 60_000],
    ['a wrong day name', 'Mon, 20 Jun 2026 12:00:30 GMT', 30_000],
    ['now', 'Sat, 20 Jun 2026 12:00:00 GMT', 0],
    ['a past date', 'Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['a past date in RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['RFC 850, 50 years ahead', 'Saturday, 20-Jun-76 12:00:00 GMT', Date.UTC(2076, 5, 20, 12) - NOW],
    ['RFC 850, 51 years ahead, so 49 ago', 'Monday, 20-Jun-77 12:00:00 GMT', 0],
    ['the year 26 in four digits', 'Sat, 20 Jun 0026 12:00:30 GMT', 0],
    ['the last date of the form', 'Fri, 31 Dec 9999 23:59:59 GMT', Date.UTC(9999, 11, 31, 23, 59, 59) - NOW],
    ['negative', '-1', undefined],
    ['a sign', '+1', undefined],
    ['decimals', '1.5', undefined],
    ['an exponent', '1e3', undefined],
    ['hex', '0x10', undefined],
    ['a unit', '5s', undefined],
    ['full-width digits', '５', undefined],
    ['two values', '5, 10', undefined],
    ['empty', '', undefined],
    ['blank', '  ', undefined],
    ['a word', 'soon', undefined],
    ['an ISO date', '2026-06-20T12:00:30Z', undefined],
    ['another zone', 'Sat, 20 Jun 2026 12:00:30 CET', undefined],
    ['a numeric zone', 'Sat, 20 Jun 2026 12:00:30 +0000', undefined],
    ['no zone', 'Sat, 20 Jun 2026 12:00:30', undefined],
    ['lower case', 'sat, 20 jun 2026 12:00:30 gmt', undefined],
    ['30 February', 'Mon, 30 Feb 2026 12:00:30 GMT', undefined],
    ['day zero', 'Mon, 00 Jun 2026 12:00:30 GMT', undefined],
    ['hour 24', 'Sat, 20 Jun 2026 24:00:00 GMT', undefined],
    ['minute 60', 'Sat, 20 Jun 2026 12:60:00 GMT', undefined],
    ['second 61', 'Sat, 20 Jun 2026 12:00:61 GMT', undefined],
  ])('%s: %j is %p', (_case, value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected);
  });

  it('reads every number of seconds', () => {
    fc.assert(
      fc.property(fc.nat(), (seconds) => {
        expect(parseRetryAfter(String(seconds), NOW)).toBe(seconds * 1000);
      }),
    );
  });

  it('reads every IMF-fixdate, as JavaScript prints it', () => {
    const range = {
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const wholeSeconds = Math.floor(date.getTime() / 1000) * 1000;
        expect(parseRetryAfter(date.toUTCString(), NOW)).toBe(Math.max(0, wholeSeconds - NOW));
      }),
    );
  });

  it('returns undefined or a safe integer that is not negative for any header', () => {
    const dateLike = fc.string({
      unit: fc.constantFrom(...'0123456789 :,-GMTSatJun'.split('')),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(anyText(), dateLike), (value) => {
        const delay = parseRetryAfter(value, NOW) ?? 0;
        expect(Number.isSafeInteger(delay) && delay >= 0).toBe(true);
      }),
    );
  });
});
