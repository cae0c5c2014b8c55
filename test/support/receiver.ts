import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { status, type Behaviour } from './receiver/behaviour.js';
import { Recording, type RecordedRequest, type WaitOptions } from './receiver/recording.js';
import { Sockets } from './receiver/sockets.js';
import type { TlsCredentials } from './tls/credentials.js';

export * from './receiver/behaviour.js';
export * from './receiver/hostile.js';
export { closedPort } from './receiver/closed-port.js';
export { startTcpServer, type TcpServer, type TcpServerOptions } from './receiver/tcp-server.js';
export type { RecordedRequest, WaitOptions } from './receiver/recording.js';

/** The response of a path: a bare number is that status with an empty body. */
export type Scripted = number | Behaviour;

/** A service's server that behaves as a test says: a real one, on a port of 127.0.0.1. */
export interface Receiver {
  /** `http://127.0.0.1:port/path`, or `https://localhost:port/path` with TLS credentials. */
  url(path?: string): string;
  readonly port: number;
  /** Every request in the order it was complete. */
  readonly requests: readonly RecordedRequest[];
  /** Sockets accepted since the start, and those open now. */
  readonly sockets: Sockets;
  /**
   * Resolves with the first `count` requests (of that path), at once if they have arrived.
   * @param options.timeoutMs default 10,000; then it rejects, and names the requests that arrived
   */
  waitForRequests(count: number, options?: WaitOptions): Promise<readonly RecordedRequest[]>;
  /**
   * Sets the response of a path. Each request takes the next one of a list; the last one stays. Other paths respond
   * with 200.
   */
  respond(path: string, behaviour: Scripted | readonly Scripted[]): void;
  /** Destroys all sockets: nothing a behaviour left hanging outlives the test. */
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** Serve https with these. */
  readonly tls?: TlsCredentials;
}

export async function startReceiver({ tls }: ReceiverOptions = {}): Promise<Receiver> {
  const scripts = new Map<string, Behaviour[]>();
  const recording = new Recording();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    void respond(request, response, scripts, recording);
  };
  // Only the client closes idle connections.
  const options = { keepAliveTimeout: 0, requestTimeout: 0 };
  const server =
    tls === undefined ? createHttpServer(options, handle) : createHttpsServer({ ...options, ...tls }, handle);
  const sockets = new Sockets(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;

  return {
    port,
    sockets,
    requests: recording.requests,
    url: (path = '/') => origin + path,
    waitForRequests: (count, waitOptions) => recording.waitFor(count, waitOptions),
    respond: (path, behaviour) => scripts.set(path, [behaviour].flat().map(toBehaviour)),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      sockets.destroyAll();
      await closed;
    },
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  scripts: ReadonlyMap<string, Behaviour[]>,
  recording: Recording,
): Promise<void> {
  const { method = '', url = '/', headers, socket } = request;
  const body = await text(request).catch(() => undefined);
  if (body === undefined) return; // the client closed the connection before its request was complete
  const path = new URL(url, 'http://receiver').pathname;
  const script = scripts.get(path) ?? [status(200)];
  const behaviour = (script.length > 1 ? script.shift() : script[0]) ?? status(200);
  recording.add({
    method,
    path,
    url,
    headers,
    body,
    at: performance.now(),
    clientPort: socket.remotePort ?? 0,
  });
  behaviour({ request, response, socket });
}

function toBehaviour(scripted: Scripted): Behaviour {
  return typeof scripted === 'number' ? status(scripted) : scripted;
}
