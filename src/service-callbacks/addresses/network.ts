import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A CIDR block, parsed once. */
export class Network {
  private constructor(
    private readonly base: Address,
    private readonly prefixLength: number,
  ) {}

  /**
   * @param cidr `10.0.0.0/8`, `fd00::/8`, or a single address
   * @throws Error naming the value if it is neither
   */
  static parse(cidr: string): Network {
    const [address = '', prefix, ...rest] = cidr.trim().split('/');
    const parsed = parseAddress(address);
    const width = parsed?.kind() === 'ipv4' ? 32 : 128;
    const length = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (parsed === undefined || rest.length > 0 || !(length <= width)) {
      throw new Error(`"${cidr}" is not a network: write it as 10.0.0.0/8 or fd00::/8`);
    }
    return new Network(parsed, length);
  }

  contains(address: Address): boolean {
    if (address instanceof ipaddr.IPv4) {
      return this.base instanceof ipaddr.IPv4 && address.match(this.base, this.prefixLength);
    }
    return this.base instanceof ipaddr.IPv6 && address.match(this.base, this.prefixLength);
  }
}

/**
 * Parses an address in a form that `node:net` also accepts, so that the checked and the dialled address cannot differ:
 * `127.1` and `0x7f000001` are spellings that a URL parser resolves, not addresses. Zone ids are rejected: an address
 * that needs one is on this machine's own link.
 */
export function parseAddress(ip: string): Address | undefined {
  return isIP(ip) !== 0 && !ip.includes('%') && ipaddr.isValid(ip) ? ipaddr.parse(ip) : undefined;
}

/** `::ffff:127.0.0.1` as `127.0.0.1`: the kernel dials the same host for both. */
export function unmapped(address: Address): Address {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}
