import { z } from 'zod';

/**
 * The format of dates in payloads: UTC, six digits of a second, `2017-06-20T12:34:56.000000Z`.
 * @throws RangeError for an invalid date, and for a year outside 0000–9999, which the format cannot hold
 */
export function formatUtcTimestamp(date: Date): string {
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) {
    throw new RangeError(`${describe(date)} is not a date of the years 0000 to 9999`);
  }
  // JavaScript dates have milliseconds: the last three digits are always 0.
  return date.toISOString().replace('Z', '000Z');
}

/** For the error message. `toISOString` throws for an invalid date. */
function describe(date: Date): string {
  return Number.isNaN(date.getTime()) ? String(date) : date.toISOString();
}

/** The schema of a time in a payload. */
export const utcTimestamp = z.iso
  .datetime({ precision: 6 })
  .meta({ description: 'UTC, six digits of a second' });
