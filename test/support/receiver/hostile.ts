import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { status, type Behaviour } from './behaviour.js';

const OK = 'HTTP/1.1 200 OK\r\n';

/** Exactly these bytes, and the connection left open. */
function rawBytes(bytes: string | Buffer): Behaviour {
  return ({ socket }) => {
    socket.write(bytes);
  };
}

/** Exactly these bytes, then the end of the connection. */
function rawBytesThenClose(bytes: string | Buffer): Behaviour {
  return ({ socket }) => {
    socket.end(bytes);
  };
}

/** A TCP RST instead of a response. */
export function resetBeforeHeaders(): Behaviour {
  return ({ socket }) => {
    socket.resetAndDestroy();
  };
}

/** The end of the connection (FIN) instead of a response. */
export function closeBeforeHeaders(): Behaviour {
  return ({ socket }) => {
    socket.end();
  };
}

/** Headers of a 200 and a part of its body, then a TCP RST. */
export function resetMidBody(): Behaviour {
  return ({ socket }) => {
    socket.write(`${OK}content-length: 1000\r\n\r\npart of it`, () => {
      // Not in the same turn: a RST overtakes unread bytes.
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
  };
}

/** A status line and a header that never ends, then nothing more. */
export function incompleteHeaders(): Behaviour {
  return rawBytes(`${OK}content-type: text/pl`);
}

/** The headers of a 200 byte by byte. */
export function dripHeaders(everyMs: number): Behaviour {
  const headers = `${OK}x-slow: ${'o'.repeat(10_000)}\r\n\r\n`;
  return ({ socket }) => repeatedly(socket, everyMs, (turn) => headers.slice(turn, turn + 1));
}

/** Complete headers of a 200, then a byte of its body every few ms, without end. */
export function dripBody(everyMs: number): Behaviour {
  return ({ socket }) => {
    socket.write(`${OK}content-length: 10000\r\n\r\n`);
    repeatedly(socket, everyMs, () => '.');
  };
}

/** A 200 with more headers than anyone should read, without end. */
export function endlessHeaders(): Behaviour {
  return ({ socket }) => {
    socket.write(OK);
    flood(socket, `x-filler: ${'x'.repeat(1000)}\r\n`);
  };
}

/** A chunked 200 without end. */
export function endlessBody(): Behaviour {
  return ({ socket }) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
    flood(socket, `400\r\n${'x'.repeat(0x400)}\r\n`);
  };
}

/** A few kilobytes that unpack to many megabytes. */
export function gzipBomb(megabytes = 50): Behaviour {
  const body = gzipSync(Buffer.alloc(megabytes * 1024 * 1024));
  return status(200, { headers: { 'content-encoding': 'gzip' }, body });
}

/** Announces more body than it sends, and closes. */
export function contentLengthTooLong(): Behaviour {
  return rawBytesThenClose(`${OK}content-length: 100\r\n\r\nshort`);
}

/** Sends more body than it announced: what follows could pass for the response to the next request. */
export function contentLengthTooShort(): Behaviour {
  return rawBytes(`${OK}content-length: 2\r\n\r\nokHTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n`);
}

/** Two headers that say different lengths. */
export function conflictingLengths(): Behaviour {
  return rawBytes(`${OK}content-length: 2\r\ncontent-length: 5\r\n\r\nok`);
}

/** A switch of protocols without a request for it; without the `upgrade` header it passes for an interim response. */
export function switchProtocols({ upgrade = true } = {}): Behaviour {
  const headers = upgrade ? 'connection: upgrade\r\nupgrade: websocket\r\n' : '';
  return rawBytes(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`);
}

/** A status line with any three digits, `999` and `099` included. */
export function rawStatus(digits: string): Behaviour {
  return rawBytes(`HTTP/1.1 ${digits} Whatever\r\ncontent-length: 0\r\n\r\n`);
}

/** A body without status line and headers. */
export function http09(): Behaviour {
  return rawBytesThenClose('<html>It works!</html>');
}

/** What speaks another protocol. */
export function notHttp(): Behaviour {
  return rawBytesThenClose(Buffer.from('220 mail.example ESMTP\r\n\u0000\u0001\u0002\r\n', 'latin1'));
}

/** Writes until the client is gone, as fast as it reads. */
function flood(socket: Socket, chunk: string): void {
  const write = (): void => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on('drain', write);
  write();
}

function repeatedly(socket: Socket, everyMs: number, chunk: (turn: number) => string): void {
  let turn = 0;
  const timer = setInterval(() => {
    if (socket.writable) socket.write(chunk(turn));
    turn += 1;
  }, everyMs);
  socket.once('close', () => clearInterval(timer));
}
