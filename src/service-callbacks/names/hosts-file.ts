import type { LookupAddress } from 'node:dns';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

type Entries = ReadonlyMap<string, readonly LookupAddress[]>;

/**
 * The names an operator has written into the hosts file, read again whenever it has changed.
 *
 * Read here because only `getaddrinfo` would read it for us. In the same turn, without libuv's threads: it is a
 * small local file, and those threads may be waiting for a name server.
 */
export class HostsFile {
  private version: string | undefined;
  private entries: Entries = new Map();

  constructor(private readonly path = '/etc/hosts') {}

  /** @returns all addresses of the name, in the file's order; none where the file, or the name in it, is missing */
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

/** hosts(5): an address, then its names, up to a `#`. */
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
