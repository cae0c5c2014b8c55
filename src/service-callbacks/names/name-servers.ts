import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';

/** Timeout of the first query, ms; it doubles with each retry: 15 s in all, if the deadline is later. */
const FIRST_TIMEOUT_MS = 1_000;
const TRIES = 4;

/**
 * Once one family has addresses, the other one gets this long, ms: servers that never respond to AAAA queries are
 * common, and must not delay callbacks.
 */
const OTHER_FAMILY_MS = 500;

/** No such name; no such record; nothing listens where a name server is configured. */
const UNKNOWN: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);

/**
 * Queries DNS directly, over sockets: a server that never responds holds the socket of its own query, not one of the
 * four libuv threads of a process.
 *
 * A resolver per name can be cancelled alone, queries from a port of its own (which makes responses harder to forge), and
 * follows changes of `/etc/resolv.conf`. It costs 0.05 ms; connections are kept alive.
 *
 * @param servers `ip`, `ip:port` or `[ipv6]:port`; default: those of `/etc/resolv.conf`
 * @returns IPv4 before IPv6, because more hosts have no route over IPv6; empty where the servers know no such name
 * @throws Error with c-ares' code where they fail to say, or the signal was first
 */
export async function askNameServers(
  hostname: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<readonly LookupAddress[]> {
  const resolver = new Resolver({ timeout: FIRST_TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  let patience: NodeJS.Timeout | undefined;
  const family = async (number: 4 | 6, response: Promise<string[]>): Promise<LookupAddress[]> => {
    const addresses = await response.catch(noneIfUnknown);
    if (addresses.length > 0) patience ??= setTimeout(cancel, OTHER_FAMILY_MS);
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
    clearTimeout(patience);
    signal.removeEventListener('abort', cancel);
  }
}

function noneIfUnknown(error: NodeJS.ErrnoException): string[] {
  if (UNKNOWN.has(error.code)) return [];
  throw error;
}

/** The addresses of one family are enough: only vetted addresses are dialled. */
function foundIn(families: readonly PromiseSettledResult<LookupAddress[]>[]): readonly LookupAddress[] {
  const found = families.flatMap((family) => (family.status === 'fulfilled' ? family.value : []));
  const failure = families.find((family) => family.status === 'rejected');
  if (found.length === 0 && failure !== undefined) throw failure.reason;
  return found;
}
