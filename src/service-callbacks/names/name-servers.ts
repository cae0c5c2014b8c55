import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';

/** The timeout of the first query, ms. It doubles with each retry: 15 s in all, if the deadline is later. */
const FIRST_TIMEOUT_MS = 1_000;
const TRIES = 4;

/**
 * Once one address family has responded, the other has this long, ms. Some name servers never respond to AAAA queries,
 * and must not delay callbacks.
 */
const OTHER_FAMILY_MS = 500;

/** No such name; no such record; no server at the address of a name server. */
const UNKNOWN: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);

/**
 * Queries DNS directly, over sockets. A server that never responds occupies only the socket of its query, not one of
 * the four libuv threads of the process. Each name has a resolver of its own: it can be cancelled alone, uses its own
 * port (which makes forged responses harder), and follows changes of `/etc/resolv.conf`. It costs 0.05 ms; connections
 * are kept alive.
 *
 * @param servers `ip`, `ip:port` or `[ipv6]:port`; default: those of `/etc/resolv.conf`
 * @returns IPv4 before IPv6, because more hosts have no route over IPv6; empty if the servers know no such name
 * @throws Error with c-ares' code if the servers do not say, or the signal was first
 */
export async function queryNameServers(
  hostname: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<readonly LookupAddress[]> {
  const resolver = new Resolver({ timeout: FIRST_TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  let otherFamilyTimer: NodeJS.Timeout | undefined;
  const family = async (number: 4 | 6, response: Promise<string[]>): Promise<LookupAddress[]> => {
    const addresses = await response.catch(noneIfUnknown);
    if (addresses.length > 0) otherFamilyTimer ??= setTimeout(cancel, OTHER_FAMILY_MS);
    return addresses.map((address) => ({ address, family: number }));
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return foundIn(
      await Promise.allSettled([
        family(4, resolver.resolve4(hostname)),
        family(6, resolver.resolve6(hostname)),
      ]),
    );
  } finally {
    clearTimeout(otherFamilyTimer);
    signal.removeEventListener('abort', cancel);
  }
}

function noneIfUnknown(error: NodeJS.ErrnoException): string[] {
  if (UNKNOWN.has(error.code)) return [];
  throw error;
}

/** One family with addresses is enough: only checked addresses are dialled. */
function foundIn(families: readonly PromiseSettledResult<LookupAddress[]>[]): readonly LookupAddress[] {
  const found = families.flatMap((family) => (family.status === 'fulfilled' ? family.value : []));
  const failure = families.find((family) => family.status === 'rejected');
  if (found.length === 0 && failure !== undefined) throw failure.reason;
  return found;
}
