const MASK = '********';

/** The value of an `authorization` header as people may see it: the scheme, and that there is a token. */
export function maskedAuthorization(value: string): string {
  return value.replace(/^(\S+ +)?.*$/s, `$1${MASK}`);
}

/** A request's body on one line, its token masked. */
export function maskedJson(body: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(body, (key, value: unknown) => (key === 'bearer_token' ? MASK : value));
}
