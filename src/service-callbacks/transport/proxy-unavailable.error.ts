/**
 * The proxy all callbacks go through does not serve us: a fault of this platform, not of an endpoint, so no
 * attempt is spent on it. It has no `cause`: that one's code would pass for the endpoint's.
 */
export class ProxyUnavailableError extends Error {
  override readonly name = 'ProxyUnavailableError';

  /** @param problem in words, without anything the proxy sent */
  constructor(problem: string) {
    super(`The forward proxy (CALLBACK_PROXY_URL) ${problem}`);
  }
}
