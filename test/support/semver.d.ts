/** What the tests use of it: it has no types of its own. */
declare module 'semver' {
  export function satisfies(version: string, range: string): boolean;
}
