import { createHash, randomBytes } from 'node:crypto';

/** The scopes of a token. */
export const API_SCOPES = [
  'receipts:write',
  'callbacks:read',
  'callbacks:write',
  'dead-letters:replay',
] as const;

export type ApiScope = (typeof API_SCOPES)[number];

/** The caller that a token identifies. */
export interface Caller {
  readonly scopes: ReadonlySet<ApiScope>;
  /** The only service whose rows it may access; absent: all services. */
  readonly serviceId?: string;
  /** The name of its token, for the log. */
  readonly name?: string;
}

export interface ApiToken extends Caller {
  /** {@link tokenDigest} of the token; its text is never stored. */
  readonly digest: string;
}

/** A caller with every scope. */
export const EVERYTHING: Caller = { scopes: new Set(API_SCOPES) };

const ENTRY = /^(?<token>[\x21-\x2b\x2d-\x39\x3b-\x3f\x41-\x7e]+)(?:@(?<service>[^:]+))?(?::(?<scopes>.+))?$/;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Production requires letters and digits, and more of them than can be guessed at the rate of `API_RATE_LIMIT`. */
export const MIN_TOKEN_LENGTH = 16;

/** 256 bits. */
const TOKEN_BYTES = 32;

/**
 * Parses an entry of `API_TOKENS`: `token`, `token:scope+scope`, `token@service_id` or both. Without scopes the token
 * has every scope.
 * @returns undefined for anything else, such as an unknown scope
 */
export function parseApiToken(entry: string): ApiToken | undefined {
  const { token, service, scopes } = ENTRY.exec(entry)?.groups ?? {};
  if (token === undefined || (service !== undefined && !UUID.test(service))) return undefined;
  const named = scopes === undefined ? API_SCOPES : parseScopes(scopes);
  if (named === undefined) return undefined;
  return {
    digest: tokenDigest(token),
    scopes: new Set(named),
    ...(service !== undefined && { serviceId: service.toLowerCase() }),
  };
}

/** @returns undefined if one of `scope+scope` is unknown */
export function parseScopes(text: string): readonly ApiScope[] | undefined {
  const named = text.split('+');
  return named.every(isApiScope) ? named : undefined;
}

/** SHA-256 in hex. A token has 256 random bits, so neither salt nor a slow hash would add anything. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function generateApiToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

function isApiScope(text: string): text is ApiScope {
  return API_SCOPES.some((scope) => scope === text);
}
