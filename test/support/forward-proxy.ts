import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Sockets } from './receiver/sockets.js';
import type { TlsCredentials } from './tls/credentials.js';

/** A request to the proxy, also one that it refuses. */
export interface ProxyRequest {
  readonly method: string;
  /** `ip:port` of a CONNECT. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
}

/** A real forward proxy on 127.0.0.1: it opens the requested connections, and remembers the requests. */
export interface ForwardProxy {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ProxyRequest[];
  readonly sockets: Sockets;
  close(): Promise<void>;
}

export interface ForwardProxyOptions {
  readonly tls?: TlsCredentials;
  /** `user:password`; without these credentials it responds with 407. */
  readonly credentials?: string;
  /** Called instead of opening a connection. */
  readonly respond?: (socket: Socket) => void;
  /** The address to which a connection is opened. Default: the requested one. */
  readonly route?: (host: string, port: number) => { readonly host: string; readonly port: number };
}

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

export async function startForwardProxy(options: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const { tls, credentials, respond, route = (host, port) => ({ host, port }) } = options;
  const requests: ProxyRequest[] = [];
  const server = tls === undefined ? createServer() : createTlsServer({ ...tls });
  const sockets = new Sockets(server);
  const expected =
    credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;

  // The response to a plain `GET http://…`, which no callback may send.
  server.on('request', (request, response) => {
    requests.push({ method: request.method ?? '', target: request.url ?? '', headers: request.headers });
    response.writeHead(501).end();
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    const target = request.url ?? '';
    requests.push({ method: 'CONNECT', target, headers: request.headers });
    // A server of node:http leaves its half of a connection open.
    client.on('error', () => undefined).on('end', () => client.end());
    if (expected !== undefined && request.headers['proxy-authorization'] !== expected) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n');
    } else if (respond !== undefined) {
      // Unread, its end would not be noticed.
      respond(client.resume());
    } else {
      tunnel(client, target, route);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${tls === undefined ? '127.0.0.1' : 'localhost'}:${port}`,
    port,
    requests,
    sockets,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      sockets.destroyAll();
      await closed;
    },
  };
}

function tunnel(client: Socket, target: string, route: NonNullable<ForwardProxyOptions['route']>): void {
  const url = new URL(`http://${target}`);
  const { host, port } = route(url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 80));
  const upstream = connect({ host, port }, () => {
    client.write(ESTABLISHED);
    upstream.pipe(client).pipe(upstream);
  });
  upstream.on('error', () => {
    if (upstream.bytesRead === 0 && client.bytesWritten === 0) client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    else client.destroy();
  });
  client.on('close', () => upstream.destroy());
}
