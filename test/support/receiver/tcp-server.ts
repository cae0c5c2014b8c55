import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Sockets } from './sockets.js';

/** A bare TCP listener: a TLS port that speaks no TLS, or a port that no connection may reach. */
export interface TcpServer {
  readonly port: number;
  readonly sockets: Sockets;
  close(): Promise<void>;
}

export interface TcpServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default: one that is free. */
  readonly port?: number;
  /** Keeps its half of a connection open after the other's end. */
  readonly allowHalfOpen?: boolean;
  /** Speaks TLS with these; a connection is one after its handshake. */
  readonly tls?: TlsOptions;
  readonly onConnection?: (socket: Socket) => void;
  /** Default: accepts and never responds. */
  readonly onData?: (socket: Socket, data: Buffer) => void;
}

/** The connection under each TLS one. */
const underTls = new WeakMap<Socket, Socket>();

export function tcpSocketOf(socket: Socket): Socket {
  return underTls.get(socket) ?? socket;
}

export async function startTcpServer({
  host = '127.0.0.1',
  port = 0,
  allowHalfOpen = false,
  tls,
  onConnection,
  onData,
}: TcpServerOptions = {}): Promise<TcpServer> {
  const accepted = new Map<number | undefined, Socket>();
  const accept = (socket: Socket): void => {
    const under = accepted.get(socket.remotePort);
    if (under !== undefined && under !== socket) underTls.set(socket, under);
    socket.on('error', () => undefined).on('data', (data: Buffer) => onData?.(socket, data));
    onConnection?.(socket);
  };
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen }, accept)
      : createTlsServer({ ...tls, allowHalfOpen }, accept);
  const sockets = new Sockets(server);
  if (tls !== undefined) server.on('connection', (socket: Socket) => accepted.set(socket.remotePort, socket));
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      sockets.destroyAll();
      await closed;
    },
  };
}
