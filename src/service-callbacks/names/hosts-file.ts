import type { LookupAddress } from 'node:dns';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

type Entries = ReadonlyMap<string, readonly LookupAddress[]>;

/**
 * The names in the hosts file, which is read again whenever it has changed. Otherwise only `getaddrinfo` would read it.
 * It is read synchronously, because it is a small local file, and libuv's threads may be waiting for a name server.
 */
export class HostsFile {
  private version: string | undefined;
  private entries: Entries = new Map();

  constructor(private readonly path = '/etc/hosts') {}

  /** @returns all addresses of the name, in the file's order; empty if the file or the name is missing */
  addressesOf(hostname: string): readonly LookupAddress[] {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    const version = stats && `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    if (version !== this.version) {
      this.entries = version === undefined ? new Map() : parse(readFileSync(this.path, 'utf8'));
      this.version = version;
    }
    return this.entries.get(hostname.toLowerCase().replace(/\.$/, '')) ?? [];
  }
}

/** A line of hosts(5): an address, then its names, up to a `#`. */
function parse(text: string): Entries {
  const entries = new Map<string, LookupAddress[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of names.map((spelled) => spelled.toLowerCase())) {
      entries.set(name, [...(entries.get(name) ?? []), { address, family }]);
    }
  }
  return entries;
}
