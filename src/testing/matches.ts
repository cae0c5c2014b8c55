/**
 * Whether a JSON value contains the expected parts. Objects may have more keys, arrays may not have more items. An
 * expected value may be a date, or a matcher of Jest or Vitest, such as `expect.any(String)`.
 */
export function matches(actual: unknown, expected: unknown): boolean {
  if (!isObject(expected)) return Object.is(actual, expected);
  if (isMatcher(expected)) return expected.asymmetricMatch(actual);
  if (expected instanceof Date) return actual === expected.toJSON();
  if (!isObject(actual) || Array.isArray(actual) !== Array.isArray(expected)) return false;
  if (Array.isArray(expected) && expected.length !== (actual as unknown as readonly unknown[]).length)
    return false;
  return Object.entries(expected).every(([key, value]) => matches(actual[key], value));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isMatcher(value: object): value is { asymmetricMatch(actual: unknown): boolean } {
  return 'asymmetricMatch' in value && typeof value.asymmetricMatch === 'function';
}
