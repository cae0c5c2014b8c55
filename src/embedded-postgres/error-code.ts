/**
 * Whether an error of Node's carries one of these codes (`ENOENT`, `EACCES` …).
 *
 * Recognised by its shape: under Jest, Node's errors are instances of another realm's `Error`.
 */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}
