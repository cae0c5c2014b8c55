import { type DeliveryError, NoResponseError, ProxyUnavailableError } from '../connections/errors.js';

const BY_CODE: Readonly<Record<string, DeliveryError>> = {
  ECONNREFUSED: 'connection_refused',

  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  ERR_STREAM_PREMATURE_CLOSE: 'connection_reset',

  ENOTFOUND: 'dns_failure',

  CERT_HAS_EXPIRED: 'tls_certificate_expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_certificate_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_certificate_self_signed',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_certificate_wrong_host',
  EPROTO: 'tls_failure',

  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',

  UND_ERR_HEADERS_OVERFLOW: 'invalid_response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'invalid_response',
  // Undici asserts some properties of a response; a server can break them.
  ERR_ASSERTION: 'invalid_response',
};

/** Node has OpenSSL's verification results as codes of their own (X509_V_ERR_…, without the prefix). */
const BY_PATTERN: readonly (readonly [RegExp, DeliveryError])[] = [
  [/^EAI_/, 'dns_failure'],
  [/^ERR_(SSL|TLS)_/, 'tls_failure'],
  [/^(CERT_|CRL_|INVALID_(CA|PURPOSE)|UNABLE_TO_|ERROR_IN_CERT_|PATH_LENGTH_|HOSTNAME_)/, 'tls_failure'],
];

/** Errors that only a wrong call in our code causes. */
const OUR_FAULT =
  /^(ERR_INVALID_|ERR_OUT_OF_RANGE|ERR_UNESCAPED_|UND_ERR_(INVALID_|CLOSED|DESTROYED|NOT_SUPPORTED|REQ_CONTENT_LENGTH))/;

/** Undici has one code for a lost connection and for invalid responses; only the message differs. */
const REFUSED_RESPONSE = /^bad (response|upgrade)$/;

/** The errors of undici's parser have a name, and only sometimes a code. */
const PARSER_ERROR = 'HTTPParserError';

/** Causes and aggregated errors are at most a few levels deep; a longer chain is a loop. */
const MAX_ERRORS = 32;

/**
 * The reason why a request got no usable response, from its chain of causes and aggregated errors.
 * @returns undefined if the error is a fault of our own, which the caller throws unchanged
 */
export function noResponseOf(error: unknown): NoResponseError | undefined {
  const chain = chainOf(error);
  if (chain.some((link) => link instanceof ProxyUnavailableError)) return undefined;
  const named = chain.find((link) => link instanceof NoResponseError);
  if (named !== undefined) return named;

  if (chain.some(isRefusedResponse)) return new NoResponseError('invalid_response', { cause: error });
  const codes = chain.map(codeOf).filter((code) => code !== undefined);
  if (codes.length === 0 || codes.some((code) => OUR_FAULT.test(code))) return undefined;
  const reason = codes.map(reasonOf).find((found) => found !== undefined);
  return new NoResponseError(reason ?? 'connection_failed', { cause: error });
}

function isRefusedResponse(error: Error): boolean {
  return (
    error.name === PARSER_ERROR ||
    (codeOf(error) === 'UND_ERR_SOCKET' && REFUSED_RESPONSE.test(error.message))
  );
}

function reasonOf(code: string): DeliveryError | undefined {
  return BY_CODE[code] ?? BY_PATTERN.find(([pattern]) => pattern.test(code))?.[1];
}

/** The error itself, then its aggregated errors and its cause, breadth first. */
function chainOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  const queue: unknown[] = [error];
  for (let next = queue.shift(); next !== undefined && chain.length < MAX_ERRORS; next = queue.shift()) {
    if (!isError(next)) continue;
    chain.push(next);
    queue.push(...aggregatedBy(next), next.cause);
  }
  return chain;
}

function aggregatedBy(error: Error): readonly unknown[] {
  return 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
}

/** `instanceof Error` is false for errors of another realm (a test runner's sandbox). */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
