/** Why an attempt got no usable response. One of our own codes, never bytes from a server. */
export type DeliveryError =
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_failed'
  | 'dns_failure'
  | 'tls_certificate_expired'
  | 'tls_certificate_self_signed'
  | 'tls_certificate_wrong_host'
  | 'tls_failure'
  /** The forward proxy could not reach the endpoint, or its rules refuse the endpoint. */
  | 'proxy_refused'
  | 'timeout'
  | 'invalid_response'
  | 'address_not_allowed'
  | 'port_not_allowed'
  | 'scheme_not_allowed'
  | 'userinfo_not_allowed'
  | 'invalid_url';

/** A request that got no usable response, and not because of a fault of this platform. */
export class NoResponseError extends Error {
  constructor(
    readonly reason: DeliveryError,
    options?: ErrorOptions,
  ) {
    super(`No response: ${reason}`, options);
    this.name = 'NoResponseError';
  }
}

/** One for all attempts: where it was made says nothing, and a stack trace costs microseconds. */
export const TIMED_OUT = new NoResponseError('timeout');

/**
 * The proxy all callbacks go through does not serve us: a fault of this platform, not of an endpoint, so no
 * attempt is spent on it, whatever the code of its cause.
 */
export class ProxyUnavailableError extends Error {
  override readonly name = 'ProxyUnavailableError';

  /** @param problem in words, without anything the proxy sent */
  constructor(problem: string, cause?: unknown) {
    super(`The forward proxy (CALLBACK_PROXY_URL) ${problem}`, { cause });
  }
}

export class InvalidProxyUrlError extends Error {
  override readonly name = 'InvalidProxyUrlError';

  constructor() {
    super('The proxy URL is not one: accepted is http://[user:password@]host[:port], or the same with https');
  }
}
