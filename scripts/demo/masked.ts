const MASK = '********';

/** The value of an `authorization` header for people: the scheme, with the token masked. */
export function maskedAuthorization(value: string): string {
  return value.replace(/^(\S+ +)?.*$/s, `$1${MASK}`);
}

/** A request's body on one line, its token masked. */
export function maskedJson(body: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(body, (key, value: unknown) => (key === 'bearer_token' ? MASK : value));
}
