import { hasUserinfo, hostOf, isTooLong, parseCallbackUrl, portOf, requestTarget } from './callback-url.js';
import { Network, parseAddress, unmapped } from './network.js';
import { GLOBAL_UNICAST_IPV6, SPECIAL_PURPOSE_NETWORKS } from './special-purpose-networks.js';

export interface AddressRulesOptions {
  /** Also accept `http:` (`CALLBACK_ALLOW_HTTP`). */
  readonly allowHttp: boolean;
  /** CIDRs that are exempt from the private-address rule and the port rule (`CALLBACK_ALLOWED_NETWORKS`). */
  readonly allowedNetworks: readonly string[];
  /** Ports beside 443, and beside 80 if http is allowed (`CALLBACK_ALLOWED_PORTS`). */
  readonly allowedPorts: readonly number[];
}

export type UrlRefusal =
  'invalid_url' | 'scheme_not_allowed' | 'address_not_allowed' | 'port_not_allowed' | 'userinfo_not_allowed';

export type UrlCheck =
  /** `target` is the request target: path and query as they were typed. */
  | { readonly ok: true; readonly url: URL; readonly target: string }
  /** `message` continues "url " in the response to the person who typed the URL. */
  | { readonly ok: false; readonly reason: UrlRefusal; readonly message: string };

const GLOBAL_UNICAST = Network.parse(GLOBAL_UNICAST_IPV6);
const SPECIAL_PURPOSE = SPECIAL_PURPOSE_NETWORKS.map((cidr) => Network.parse(cidr));

/**
 * Decides where a callback may go, in two checks. `checkUrl` runs when an endpoint is registered and before each
 * attempt, so that people learn of a mistake at once. `mayDial` runs for the address that a connection is about to be
 * opened to. Only `mayDial` is safe for host names, whose addresses change.
 *
 * Ports: 443, 80 if http is allowed, and `allowedPorts` are *listed*. Any other port is open only on an exempt address.
 * For an IP literal and for `localhost`, `checkUrl` decides that. A host name with such a port passes `checkUrl` if
 * there is any exempt network, and `mayDial` checks the resolved address.
 */
export class AddressRules {
  private readonly exempt: readonly Network[];
  private readonly listedPorts: ReadonlySet<number>;

  /** @throws Error naming an entry of `allowedNetworks` that is not a network */
  constructor(private readonly options: AddressRulesOptions) {
    this.exempt = options.allowedNetworks.map((cidr) => Network.parse(cidr));
    this.listedPorts = new Set([443, ...(options.allowHttp ? [80] : []), ...options.allowedPorts]);
  }

  /** Whether an address may be called at all. It must be in the form of `node:net`. */
  isAllowed(ip: string): boolean {
    const address = parseAddress(ip);
    if (address === undefined) return false;
    if (this.isExempt(ip)) return true;
    if (address.kind() === 'ipv6' && !GLOBAL_UNICAST.contains(address)) return false;
    return !SPECIAL_PURPOSE.some((network) => network.contains(address));
  }

  /** Whether a connection may be opened to this address and port. */
  mayDial(ip: string, port: number): boolean {
    return this.isListedPort(port) ? this.isAllowed(ip) : this.isExempt(ip);
  }

  /** Whether a port is open on every allowed address, not only on exempt ones. */
  isListedPort(port: number): boolean {
    return this.listedPorts.has(port);
  }

  checkUrl(text: string): UrlCheck {
    const url = parseCallbackUrl(text);
    if (url === undefined) return refused('invalid_url', this.notValid);
    if (isTooLong(url)) {
      return refused(
        'invalid_url',
        `${this.notValid}: a host name has 253 characters at most, 63 between two dots`,
      );
    }
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.options.allowHttp)) {
      return refused('scheme_not_allowed', this.notValid);
    }
    if (hasUserinfo(text)) return refused('userinfo_not_allowed', 'must not contain a user name or password');
    if (!this.mayNameHost(url)) {
      return refused('address_not_allowed', 'points to an address that may not be called');
    }
    if (!this.mayNamePort(url)) {
      return refused('port_not_allowed', `must use port ${[...this.listedPorts].join(' or ')}`);
    }
    return { ok: true, url, target: requestTarget(text) };
  }

  private get notValid(): string {
    return `is not a valid ${this.options.allowHttp ? 'http or https' : 'https'} url`;
  }

  private mayNameHost(url: URL): boolean {
    const host = hostOf(url);
    if (host.kind === 'name') return true;
    return host.kind === 'address' ? this.isAllowed(host.ip) : this.exemptsLoopback();
  }

  private mayNamePort(url: URL): boolean {
    if (this.isListedPort(portOf(url))) return true;
    const host = hostOf(url);
    if (host.kind === 'name') return this.exempt.length > 0;
    return host.kind === 'address' ? this.isExempt(host.ip) : this.exemptsLoopback();
  }

  private exemptsLoopback(): boolean {
    return this.isExempt('127.0.0.1') || this.isExempt('::1');
  }

  /** Whether a configured network exempts this address. An IPv4-mapped address counts as its IPv4. */
  isExempt(ip: string): boolean {
    const address = parseAddress(ip);
    return address !== undefined && this.exempt.some((network) => network.contains(unmapped(address)));
  }
}

function refused(reason: UrlRefusal, message: string): UrlCheck {
  return { ok: false, reason, message };
}
