/**
 * What is an endpoint: a callback API at the URL it has now. Not the origin: of two services behind one
 * host, one must not be able to close the other's circuit (ADR 0006). A moved URL starts afresh.
 */
export function endpointKey(callbackApiId: string, url: string): string {
  return `${callbackApiId} ${url}`;
}

/** The callback API in a key. */
export function callbackApiIdOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}
