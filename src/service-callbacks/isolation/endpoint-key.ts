/**
 * What is an endpoint: a callback API at the URL it has now. Not the origin: of two services behind one host, one must
 * not be able to close the other's circuit. A moved URL starts afresh.
 */
export function endpointKey(endpointId: string, url: string): string {
  return `${endpointId} ${url}`;
}

/** The endpoint in a key. */
export function endpointIdOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}
