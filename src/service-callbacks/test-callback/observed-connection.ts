import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { certificateOf, readCertificate } from '../connections/certificate-of.js';
import type { ConnectorOptions } from '../connections/vetted-connector.js';
import { isLocalhost, portOf } from '../addresses/callback-url.js';
import type { ConnectionFacts, TlsFacts } from './test-result.js';

/** Errors before a connection was tried: the addresses are not shown. */
const NOT_DIALLED: ReadonlySet<string> = new Set([
  'address_not_allowed',
  'port_not_allowed',
  'scheme_not_allowed',
  'userinfo_not_allowed',
  'invalid_url',
  'dns_failure',
]);

const NOTHING: ConnectionFacts = { addresses: [], dialled: null, tls: null };

/** Watches one connection while it is made. It uses the same options as every other connection. */
export class ObservedConnection {
  private addresses: readonly string[] = [];
  private connected: string | undefined;
  private tls: TlsFacts | null = null;

  constructor(private readonly connector: ConnectorOptions) {}

  get options(): ConnectorOptions {
    return {
      ...this.connector,
      resolve: async (hostname) => {
        const found = await this.connector.resolve(hostname);
        this.addresses = found.map(({ address }) => address);
        return found;
      },
      onConnected: (socket) => this.observe(socket),
    };
  }

  /** @param url the callback URL of an attempt */
  async facts(url: string, outcome: DeliveryOutcome): Promise<ConnectionFacts> {
    const error = outcome.kind === 'delivered' ? undefined : outcome.failure.error;
    const parsed = URL.parse(url);
    if (parsed === null || (error !== undefined && NOT_DIALLED.has(error))) return NOTHING;
    const addresses = this.knownAddresses(parsed);
    const [first] = addresses;
    const tried = first === undefined ? null : dialled(first, portOf(parsed));
    const refused = error?.startsWith('tls_') ?? false;
    return {
      addresses,
      dialled: this.connected ?? tried,
      tls: this.tls ?? (refused ? await this.refusedCertificate(parsed, first) : null),
    };
  }

  /** The addresses of a host name. An address literal is its own; `localhost` is never looked up (RFC 6761). */
  private knownAddresses(url: URL): readonly string[] {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0) return [host];
    if (!isLocalhost(host)) return this.addresses;
    return ['127.0.0.1', '::1'].filter((ip) => this.connector.rules.mayDial(ip, portOf(url)));
  }

  private observe(socket: Socket): void {
    // Through a proxy, the remote address of the socket is the proxy's.
    if (this.connector.proxy === undefined && socket.remoteAddress !== undefined) {
      this.connected = dialled(socket.remoteAddress, socket.remotePort ?? 0);
    }
    if (!(socket instanceof TLSSocket)) return;
    const certificate = certificateOf(socket);
    if (certificate) this.tls = { protocol: socket.getProtocol(), ...certificate };
  }

  private async refusedCertificate(url: URL, address?: string): Promise<TlsFacts | null> {
    const port = portOf(url);
    if (address === undefined || this.connector.proxy !== undefined) return null;
    if (!this.connector.rules.mayDial(address, port)) return null;
    const isName = isIP(url.hostname) === 0 && !url.hostname.startsWith('[');
    const certificate = await readCertificate({
      address,
      port,
      timeoutMs: this.connector.connectTimeoutMs,
      ...(isName && { servername: url.hostname.replace(/\.$/, '') }),
    });
    return certificate ? { protocol: null, ...certificate } : null;
  }
}

function dialled(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
