import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Sockets } from './sockets.js';

/** A bare TCP listener: a TLS port that speaks no TLS, or a canary that no connection may reach. */
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
  /** Default: accepts and stays silent. */
  readonly onData?: (socket: Socket, data: Buffer) => void;
}

export async function startTcpServer({
  host = '127.0.0.1',
  port = 0,
  onData,
}: TcpServerOptions = {}): Promise<TcpServer> {
  const server = createServer((socket) => {
    socket.on('data', (data: Buffer) => onData?.(socket, data));
  });
  const sockets = new Sockets(server);
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
