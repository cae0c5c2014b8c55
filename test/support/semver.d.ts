/** The part of its types that the tests use: it has none. */
declare module 'semver' {
  export function satisfies(version: string, range: string): boolean;
}
