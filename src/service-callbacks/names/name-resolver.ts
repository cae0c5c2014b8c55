import type { LookupAddress } from 'node:dns';
import { HostsFile } from './hosts-file.js';
import { queryNameServers } from './name-servers.js';
import { SystemLookup } from './system-lookup.js';

/** All addresses of a host name, in the order to try them. A dependency, so that a test can return any address. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface NameResolverOptions {
  /** The deadline for all queries together, ms: that of the attempt. */
  readonly timeoutMs: number;
  /** The only name servers that are queried (`CALLBACK_DNS_SERVERS`): `ip`, `ip:port`, `[ipv6]:port`. */
  readonly servers?: readonly string[];
}

/** The sources of an address, in the order of the queries. */
export interface NameSources {
  readonly hosts: HostsFile;
  /** Returns no addresses if the name has none; throws if that cannot be determined. */
  readonly dns: (hostname: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;
  /** Absent: a name that is not in DNS has no address. */
  readonly system?: SystemLookup;
}

/** Resolves host names. A name server that hangs delays no names of other name servers. */
export function nameResolver({ timeoutMs, servers }: NameResolverOptions): Resolve {
  const hosts = new HostsFile();
  if (servers === undefined) {
    return resolveFrom({ hosts, dns: queryNameServers, system: new SystemLookup() }, timeoutMs);
  }
  return resolveFrom({ hosts, dns: (name, signal) => queryNameServers(name, signal, servers) }, timeoutMs);
}

/**
 * In the order of most systems (`hosts: files dns`): first `/etc/hosts`, where an operator's entry wins; then DNS; then
 * the system's own lookup, for names that DNS does not know. A name without a dot is relative to this machine and means
 * nothing to DNS, so the system's lookup comes at once.
 */
export function resolveFrom({ hosts, dns, system }: NameSources, timeoutMs: number): Resolve {
  const query = async (hostname: string, signal: AbortSignal): Promise<readonly LookupAddress[]> => {
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
      return await query(hostname, deadline.signal);
    } finally {
      clearTimeout(timer);
    }
  };
}
