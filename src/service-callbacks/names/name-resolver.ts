import type { LookupAddress } from 'node:dns';
import { HostsFile } from './hosts-file.js';
import { askNameServers } from './name-servers.js';
import { SystemLookup } from './system-lookup.js';

/** All addresses of a host name, in the order to try them. A dependency, so that a test's resolver can lie. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface NameResolverOptions {
  /** The time for all queries, ms: the deadline of the attempt. */
  readonly timeoutMs: number;
  /** The only name servers that are queried (`CALLBACK_DNS_SERVERS`): `ip`, `ip:port`, `[ipv6]:port`. */
  readonly servers?: readonly string[];
}

/** Where an address may be known, in the order of asking. */
export interface NameSources {
  readonly hosts: HostsFile;
  /** Empty if the name has no address; throws if that cannot be determined. */
  readonly dns: (hostname: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;
  /** None: what is not in DNS is not known. */
  readonly system?: SystemLookup;
}

/** Resolves host names; a name whose name server hangs delays no other name. */
export function nameResolver({ timeoutMs, servers }: NameResolverOptions): Resolve {
  const hosts = new HostsFile();
  if (servers === undefined) {
    return resolveFrom({ hosts, dns: askNameServers, system: new SystemLookup() }, timeoutMs);
  }
  return resolveFrom({ hosts, dns: (name, signal) => askNameServers(name, signal, servers) }, timeoutMs);
}

/**
 * The order is that of most systems, `hosts: files dns`: an operator's entry in `/etc/hosts` wins.
 * Then DNS. Then the system's own lookup, for what DNS does not know; for names without a dot, which are relative
 * to this machine and mean nothing to DNS, it comes at once.
 */
export function resolveFrom({ hosts, dns, system }: NameSources, timeoutMs: number): Resolve {
  const ask = async (hostname: string, signal: AbortSignal): Promise<readonly LookupAddress[]> => {
    if (system === undefined) return dns(hostname, signal);
    const found = hostname.includes('.') ? await dns(hostname, signal) : [];
    return found.length > 0 ? found : system.addressesOf(hostname, signal);
  };

  return async (hostname) => {
    const listed = hosts.addressesOf(hostname);
    if (listed.length > 0) return listed;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    try {
      return await ask(hostname, deadline.signal);
    } finally {
      clearTimeout(timer);
    }
  };
}
