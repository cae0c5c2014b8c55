import { connect, type Socket } from 'node:net';
import { brotliCompressSync, constants } from 'node:zlib';
import { tcpSocketOf, type TcpServerOptions } from './tcp-server.js';

const OK = 'HTTP/1.1 200 OK\r\n';

/** What a server does with its sockets, below HTTP: for the stages that a request handler never sees. */
export type SocketBehaviour = Pick<TcpServerOptions, 'onConnection' | 'onData' | 'allowHalfOpen'>;

/** Does something once, when the whole (small) request has arrived. */
function onRequest(act: (socket: Socket) => void): SocketBehaviour {
  return { onData: (socket, data) => (data.includes('\r\n\r\n') ? act(socket) : undefined) };
}

/** These bytes, then the end of the stage; not in the same turn, because a RST overtakes unread bytes. */
function bytesThen(bytes: string, end: (socket: Socket) => void): SocketBehaviour {
  return onRequest((socket) => socket.write(bytes, () => setTimeout(() => end(socket), 30)));
}

/** Under TLS too: the RST is TCP's. */
const reset = (socket: Socket): void => void tcpSocketOf(socket).resetAndDestroy();
const finish = (socket: Socket): void => void socket.end();

export const resetOnAccept = (): SocketBehaviour => ({ onConnection: reset });
export const closeOnAccept = (): SocketBehaviour => ({ onConnection: finish });
export const resetOnFirstBytes = (): SocketBehaviour => ({ onData: reset });
export const resetInStatusLine = (): SocketBehaviour => bytesThen('HTTP/1.1 20', reset);
export const resetInHeaders = (): SocketBehaviour => bytesThen(`${OK}content-ty`, reset);
export const closeInStatusLine = (): SocketBehaviour => bytesThen('HTTP/1.1 20', finish);
export const closeInHeaders = (): SocketBehaviour => bytesThen(`${OK}content-ty`, finish);
export const resetInBody = (): SocketBehaviour => bytesThen(`${OK}content-length: 9\r\n\r\nok`, reset);

/** FIN at once, but goes on reading and never responds. */
export const halfCloseOnAccept = (): SocketBehaviour => ({ onConnection: finish, allowHalfOpen: true });

/** A whole response, then FIN while the other half stays open. */
export const halfCloseAfterResponse = (): SocketBehaviour => ({
  ...bytesThen(`${OK}content-length: 0\r\n\r\n`, finish),
  allowHalfOpen: true,
});

/** Written at once: a record of TLS for every few bytes would keep the server busy, not the client. */
const FLOOD_BYTES = 8 * 1024;

/** The same bytes again and again, as fast as they are taken. */
export function flood(head: string, bytes: string): SocketBehaviour {
  const chunk = bytes.repeat(Math.ceil(FLOOD_BYTES / bytes.length));
  return onRequest((socket) => {
    const write = (): void => {
      while (socket.writable && socket.write(chunk));
    };
    socket.write(head);
    socket.on('drain', write);
    write();
  });
}

/** The same bytes every few ms, without end. */
export function drip(head: string, chunk: string, everyMs: number): SocketBehaviour {
  return onRequest((socket) => {
    socket.write(head);
    const timer = setInterval(() => socket.writable && socket.write(chunk), everyMs);
    socket.once('close', () => clearInterval(timer));
  });
}

/** A proper response to the first request of a connection, none to the others. */
export function keepAliveThenSilence(): SocketBehaviour {
  const responded = new WeakSet<Socket>();
  return onRequest((socket) => {
    if (responded.has(socket)) return;
    responded.add(socket);
    socket.write(`${OK}content-length: 0\r\n\r\n`);
  });
}

/** A proper response to the first request of a connection, a RST to the second. */
export function keepAliveThenReset(): SocketBehaviour {
  const responded = new WeakSet<Socket>();
  return onRequest((socket) => {
    if (responded.has(socket)) return reset(socket);
    responded.add(socket);
    socket.write(`${OK}content-length: 0\r\n\r\n`);
  });
}

/** Exactly these bytes to a request, the connection left open. */
export const respondWith = (bytes: string | Buffer): SocketBehaviour =>
  onRequest((socket) => void socket.write(bytes));

/** A few hundred bytes that unpack to many megabytes. */
export function brotliBomb(megabytes = 50): SocketBehaviour {
  const body = brotliCompressSync(Buffer.alloc(megabytes * 1024 * 1024), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 4 },
  });
  const head = `${OK}content-encoding: br\r\ncontent-length: ${body.length}\r\n\r\n`;
  return respondWith(Buffer.concat([Buffer.from(head), body]));
}

/** TLS records a server may send: fatal alerts in the clear. */
export const TLS_ALERTS = {
  handshakeFailure: Buffer.from([0x15, 3, 3, 0, 2, 2, 40]),
  internalError: Buffer.from([0x15, 3, 3, 0, 2, 2, 80]),
} as const;

/** In front of a real TLS server: passes its bytes on until `isAsked()`, and then sends an alert instead. */
export function alertWhen(targetPort: number, isAsked: () => boolean): SocketBehaviour {
  return {
    onConnection: (client) => {
      const upstream = connect({ host: '127.0.0.1', port: targetPort });
      upstream.on('error', () => client.destroy());
      upstream.on('data', (data: Buffer) => {
        if (isAsked()) client.end(TLS_ALERTS.internalError);
        else client.write(data);
      });
      client.on('data', (data: Buffer) => upstream.write(data));
      client.on('close', () => upstream.destroy());
    },
  };
}
