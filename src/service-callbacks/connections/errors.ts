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

/** A request got no usable response, through no fault of this platform. */
export class NoResponseError extends Error {
  constructor(
    readonly reason: DeliveryError,
    options?: ErrorOptions,
  ) {
    super(`No response: ${reason}`, options);
    this.name = 'NoResponseError';
  }
}

/** Without a stack trace, which costs microseconds and says nothing here. */
export const TIMED_OUT = new NoResponseError('timeout');

/**
 * The proxy of all callbacks does not serve us. That is a fault of this platform and not of an endpoint, so no attempt
 * is spent on it, whatever its code.
 */
export class ProxyUnavailableError extends Error {
  override readonly name = 'ProxyUnavailableError';

  /** @param problem in words, without anything that the proxy sent */
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
