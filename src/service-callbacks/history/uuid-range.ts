/** The smallest and the largest UUID with the same beginning. */
export type UuidRange = readonly [first: string, last: string];

/** The digits of a UUID. Fewer than eight would match too many UUIDs that begin with a time. */
const DIGITS = { fewest: 8, all: 32 } as const;

/** @returns undefined if the text is not the beginning of a UUID, or too short */
export function uuidRangeOf(beginning: string): UuidRange | undefined {
  const digits = beginning.replaceAll('-', '').toLowerCase();
  if (!/^[\da-f]+$/.test(digits) || digits.length < DIGITS.fewest || digits.length > DIGITS.all)
    return undefined;
  return [uuidOf(digits.padEnd(DIGITS.all, '0')), uuidOf(digits.padEnd(DIGITS.all, 'f'))];
}

function uuidOf(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
