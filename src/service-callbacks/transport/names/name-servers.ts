import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';

/** Wait for an answer, ms; for the second question twice as long, and so on: 15 s in all, if the deadline is later. */
const FIRST_ANSWER_MS = 1_000;
const TRIES = 4;

/**
 * Where one family has addresses, so long (ms) is waited for the other: servers that never answer for AAAA are
 * common, and callbacks must not be late for them.
 */
const OTHER_FAMILY_MS = 500;

/** No such name; no such record; nobody listens where a name server is configured. */
const UNKNOWN: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);

/**
 * Asks DNS itself, over sockets: a server that never answers holds a socket of its own question, not one of
 * libuv's threads, of which a process has four.
 *
 * A resolver per name can be cancelled alone, asks from a port of its own (harder to forge an answer to), and
 * follows changes of `/etc/resolv.conf`. It costs 0.05 ms; connections are kept alive.
 *
 * @param servers `ip`, `ip:port` or `[ipv6]:port`; default: those of `/etc/resolv.conf`
 * @returns IPv4 before IPv6, of which more hosts have no way out; empty where the servers know no such name
 * @throws Error with c-ares' code where they fail to say, or the signal was first
 */
export async function askNameServers(
  hostname: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<readonly LookupAddress[]> {
  const resolver = new Resolver({ timeout: FIRST_ANSWER_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  let patience: NodeJS.Timeout | undefined;
  const family = async (number: 4 | 6, answer: Promise<string[]>): Promise<LookupAddress[]> => {
    const addresses = await answer.catch(noneIfUnknown);
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

/** Half an answer will do: whatever the other half had said, only what was vetted is dialled. */
function foundIn(families: readonly PromiseSettledResult<LookupAddress[]>[]): readonly LookupAddress[] {
  const found = families.flatMap((family) => (family.status === 'fulfilled' ? family.value : []));
  const failure = families.find((family) => family.status === 'rejected');
  if (found.length === 0 && failure !== undefined) throw failure.reason;
  return found;
}
