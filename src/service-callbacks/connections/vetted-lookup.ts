import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isLocalhost } from '../addresses/callback-url.js';
import type { Resolve } from '../names/name-resolver.js';
import { NoResponseError } from './errors.js';

/** RFC 6761 §6.3: these names mean loopback, whatever a resolver says. */
const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/**
 * A `lookup` for `net.connect`, which dials exactly the returned addresses: no second DNS query between the check and
 * the connection can return another address (DNS rebinding). If one of several addresses is refused, the name is
 * refused.
 */
export function vettedLookup(resolve: Resolve, mayDial: (ip: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    vettedAddresses(hostname, resolve, mayDial).then(
      (addresses) => {
        if (options.all) callback(null, [...addresses]);
        else callback(null, addresses[0].address, addresses[0].family);
      },
      (error: unknown) =>
        callback(error instanceof Error ? error : new Error('lookup', { cause: error }), []),
    );
  };
}

/**
 * All addresses of a host name; all of them may be called.
 * @throws NoResponseError if one may not be called, or there is none
 */
export async function vettedAddresses(
  hostname: string,
  resolve: Resolve,
  mayDial: (ip: string) => boolean,
): Promise<readonly [LookupAddress, ...LookupAddress[]]> {
  if (isLocalhost(hostname)) {
    const [first, ...rest] = LOOPBACK.filter(({ address }) => mayDial(address));
    if (first === undefined) throw new NoResponseError('address_not_allowed');
    return [first, ...rest];
  }
  const [first, ...rest] = await resolve(hostname).catch((cause: unknown) => {
    throw new NoResponseError('dns_failure', { cause });
  });
  if (first === undefined) throw new NoResponseError('dns_failure');
  if (![first, ...rest].every(({ address }) => mayDial(address))) {
    throw new NoResponseError('address_not_allowed');
  }
  return [first, ...rest];
}
