import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { startTcpServer, type TcpServer } from '../../../test/support/receiver.js';
import { ConnectionUse, isLostWhileReused } from './connection-use.js';

const servers: TcpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A connection to a server that responds to each write with one byte, and to `?` with nothing. */
async function connection(): Promise<{ socket: Socket; use: ConnectionUse }> {
  const server = await startTcpServer({
    onData: (client, data) => (data.includes('?') ? undefined : client.write('.')),
  });
  servers.push(server);
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  return { socket, use: new ConnectionUse(socket) };
}

/** A request and its response, as undici writes and reads them. */
async function exchange(socket: Socket, use: ConnectionUse): Promise<void> {
  socket.write('POST');
  let chunk: Buffer | null = null;
  while (chunk === null) {
    await once(socket, 'readable');
    chunk = socket.read() as Buffer | null;
  }
  use.noticeRequest();
  use.countBytes(chunk.length);
}

async function lose(socket: Socket): Promise<Error> {
  const error = new Error('lost');
  // Not `once` of node:events, which rejects at the error before.
  await new Promise((resolve) => socket.once('close', resolve).destroy(error));
  return error;
}

describe('a connection that is lost', () => {
  it('before the response to its second request was reused', async () => {
    const { socket, use } = await connection();
    await exchange(socket, use);
    socket.write('?');
    expect(isLostWhileReused(await lose(socket), true)).toBe(true);
  });

  it('before the response to its first request was new', async () => {
    const { socket } = await connection();
    socket.write('?');
    expect(isLostWhileReused(await lose(socket), true)).toBe(false);
  });

  it('counts bytes of the response that have not been read yet', async () => {
    const { socket, use } = await connection();
    await exchange(socket, use);
    socket.write('POST');
    await eventually(() => Promise.resolve(expect(socket.readableLength).toBe(1)));
    expect(isLostWhileReused(await lose(socket), true)).toBe(false);
  });

  it('while idle fails a request that was not written yet, and none before its first', async () => {
    const { socket, use } = await connection();
    await exchange(socket, use);
    expect(isLostWhileReused(await lose(socket), false)).toBe(true);

    const { socket: unused } = await connection();
    expect(isLostWhileReused(await lose(unused), false)).toBe(false);
  });

  it('is recognised by its own error only', () => {
    expect(isLostWhileReused(new Error('another'), true)).toBe(false);
  });
});
