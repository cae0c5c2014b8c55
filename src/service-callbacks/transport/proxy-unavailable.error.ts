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
