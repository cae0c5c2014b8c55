import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatUtcTimestamp } from './utc-timestamp.js';

describe('formatUtcTimestamp', () => {
  it.each([
    ['2017-06-20T12:34:56Z', '2017-06-20T12:34:56.000000Z'],
    ['2017-06-20T12:34:56.789Z', '2017-06-20T12:34:56.789000Z'],
    ['2017-06-20T12:34:56+02:00', '2017-06-20T10:34:56.000000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999000Z'],
  ])('%s is %s', (date, expected) => {
    expect(formatUtcTimestamp(new Date(date))).toBe(expected);
  });

  it.each([
    ['Invalid Date', new Date(NaN)],
    ['-000001-12-31T23:59:59.999Z', new Date('-000001-12-31T23:59:59.999Z')],
    ['+010000-01-01T00:00:00.000Z', new Date('+010000-01-01T00:00:00.000Z')],
  ])('refuses %s by name', (name, date) => {
    expect(() => formatUtcTimestamp(date)).toThrow(RangeError);
    expect(() => formatUtcTimestamp(date)).toThrow(name);
  });

  it('keeps every date of the years 0000 to 9999 to the millisecond', () => {
    const range = {
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const text = formatUtcTimestamp(date);
        expect(text).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}000Z$/);
        expect(new Date(text)).toEqual(date);
      }),
    );
  });
});
