/** The smallest and the largest UUID that begin alike. */
export type UuidRange = readonly [first: string, last: string];

/** The digits of a UUID; fewer than eight begin too many of those that begin with a time. */
const DIGITS = { fewest: 8, all: 32 } as const;

/** @returns undefined for what is not the beginning of a UUID, or too little of one */
export function uuidRangeOf(beginning: string): UuidRange | undefined {
  const digits = beginning.replaceAll('-', '').toLowerCase();
  if (!/^[\da-f]+$/.test(digits) || digits.length < DIGITS.fewest || digits.length > DIGITS.all)
    return undefined;
  return [uuidOf(digits.padEnd(DIGITS.all, '0')), uuidOf(digits.padEnd(DIGITS.all, 'f'))];
}

function uuidOf(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
