import type { IncomingHttpHeaders } from 'node:http';

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1). */
const BEARER = /^bearer +([\x21-\x7e]+) *$/i;

/** @returns undefined if there is no bearer token */
export function bearerTokenOf({
  headers,
}: {
  readonly headers: Pick<IncomingHttpHeaders, 'authorization'>;
}): string | undefined {
  return headers.authorization === undefined ? undefined : BEARER.exec(headers.authorization)?.[1];
}
