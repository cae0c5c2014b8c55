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
