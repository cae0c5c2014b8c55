import type { LookupAddress } from 'node:dns';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { NoResponseError } from './errors.js';
import type { Proxy } from './proxy.js';
import { openTunnel } from './proxy-tunnel.js';

export interface ProxiedConnectorOptions {
  readonly proxy: Proxy;
  readonly secureContext: SecureContext;
  /** The timeout of the tunnel, and again of the handshake in it, ms. The attempt's deadline bounds both. */
  readonly timeoutMs: number;
  /**
   * The checked addresses of a host name or address.
   * @throws NoResponseError if one of them may not be called
   */
  readonly addressesOf: (hostname: string, port: number) => Promise<readonly LookupAddress[]>;
}

/**
 * Opens connections through a forward proxy. Names are resolved and checked here, and the proxy gets only the address.
 * The endpoint still sees the name in SNI and `Host`.
 */
export function proxiedConnector(options: ProxiedConnectorOptions): buildConnector.connector {
  const { secureContext, timeoutMs: timeout } = options;
  const secure = buildConnector({ secureContext, rejectUnauthorized: true, allowH2: false, timeout });
  return (target, callback) => {
    const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
    tunnelTo(target.hostname, port, options).then(
      (socket) => {
        if (target.protocol === 'https:') secure({ ...target, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

/** Through the first address that the proxy can reach. */
async function tunnelTo(hostname: string, port: number, options: ProxiedConnectorOptions): Promise<Socket> {
  let refusal: unknown;
  for (const { address } of await options.addressesOf(hostname, port)) {
    try {
      return await openTunnel(address, port, options);
    } catch (error) {
      if (!(error instanceof NoResponseError) || error.reason !== 'proxy_refused') throw error;
      refusal = error;
    }
  }
  throw refusal;
}
