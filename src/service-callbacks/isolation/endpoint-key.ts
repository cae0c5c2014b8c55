/**
 * Identifies an endpoint for isolation: its id with its current URL. Not the origin: of two services on one host,
 * neither may open the circuit of the other (ADR 0006). A new URL starts afresh.
 */
export function endpointKey(endpointId: string, url: string): string {
  return `${endpointId} ${url}`;
}

/** The id of the endpoint of a key. */
export function endpointIdOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}
