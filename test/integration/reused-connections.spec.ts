import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AttemptFixture, aRequest, delivered, retryableError } from '../support/attempt-fixture.js';
import { parseProxyUrl } from '../../src/service-callbacks/connections/proxy.js';
import { startForwardProxy } from '../support/forward-proxy.js';
import type { TcpServer, TcpServerOptions } from '../support/receiver.js';
import { tcpSocketOf } from '../support/receiver/tcp-server.js';
import { selfSigned } from '../support/tls/credentials.js';

const fixture = new AttemptFixture();
afterEach(() => fixture.close());

/** How late (ms) a busy machine may be. */
const LATE_MS = 400;

/** For attempts that must not reach the deadline, on any machine. */
const NOT_THE_DEADLINE_MS = 15_000;

type Act = (socket: Socket) => void;

/** The RST belongs to TCP, under TLS too. */
const reset: Act = (socket) => void tcpSocketOf(socket).resetAndDestroy();
const close: Act = (socket) => void socket.end();
const staySilent: Act = () => undefined;

const respond =
  (headers = ''): Act =>
  (socket) =>
    void socket.write(`HTTP/1.1 200 OK\r\n${headers}content-length: 0\r\n\r\n`);

/** Some bytes, and a moment later the end of the connection: a RST overtakes unread bytes. */
const bytesThen =
  (bytes: string, end: Act): Act =>
  (socket) =>
    void socket.write(bytes, () => setTimeout(end, 30, socket));

interface ScriptedServer extends TcpServer {
  /** The request of each connection so far, in the order of the connections. */
  readonly requests: readonly number[];
  /** The connections, in that order. */
  readonly connections: readonly Socket[];
}

/** A server that follows a script for each request of each connection; the script's last step repeats. */
async function scripted(script: readonly (readonly Act[])[], options = {}): Promise<ScriptedServer> {
  const connections: Socket[] = [];
  const requests: number[] = [];
  const server = await fixture.tcpServer({
    ...options,
    onConnection: (socket) => {
      connections.push(socket);
      requests.push(0);
    },
    onData: (socket, data) => {
      if (!data.includes('\r\n\r\n')) return;
      const connection = connections.indexOf(socket);
      const request = requests[connection] ?? 0;
      requests[connection] = request + 1;
      const acts = script[connection] ?? script.at(-1) ?? [];
      (acts[request] ?? acts.at(-1) ?? staySilent)(socket);
    },
  });
  return { ...server, connections, requests };
}

/** A server that closes idle connections after a time, behind a network with a delay. */
async function idlingOut({
  idleMs,
  latencyMs,
  ...options
}: TcpServerOptions & { idleMs: number; latencyMs: number }) {
  const counts = { served: 0, missed: 0 };
  const timers = new WeakMap<Socket, NodeJS.Timeout>();
  const serve: Act = (socket) => {
    if (socket.destroyed) return void (counts.missed += 1);
    clearTimeout(timers.get(socket));
    respond()(socket);
    counts.served += 1;
    timers.set(
      socket,
      setTimeout(() => socket.destroy(), idleMs),
    );
  };
  const onData: Act = (socket) => void setTimeout(serve, latencyMs, socket);
  return { ...(await fixture.tcpServer({ ...options, onData })), counts };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each(['http-service', 'undici'] as const)('a reused connection, through %s', (through) => {
  describe.each(['http', 'https'] as const)('over %s', (scheme) => {
    const tls = scheme === 'https' ? { tls: selfSigned } : {};
    const urlOf = (server: TcpServer) => `${scheme}://localhost:${server.port}/`;
    const client = (timeoutMs = NOT_THE_DEADLINE_MS) =>
      fixture.client({ through, timeoutMs, extraCa: selfSigned.cert });

    it.each([
      ['reset', reset],
      ['closed', close],
    ])('that is %s before the response: the request is sent again on a new one', async (_how, end) => {
      const server = await scripted([[respond(), end], [respond()]], tls);
      const { client: underTest } = client();

      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));
      await nextTurn();
      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));

      expect(server.requests).toEqual([2, 1]);
    });

    it.each([
      ['reset', reset],
      ['closed', close],
    ])('that is %s as the request is about to be written: the request is sent again', async (_how, end) => {
      const server = await scripted([[respond()]], tls);
      const { client: underTest } = client();

      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));
      await nextTurn();
      server.connections.forEach(end);
      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));

      expect(server.requests).toEqual([1, 1]);
    });

    it('that the server announced with `max=1` and then closes: costs no attempt', async () => {
      const keepAlive = respond('connection: keep-alive\r\nkeep-alive: timeout=60, max=1\r\n');
      const server = await scripted([[keepAlive, close]], tls);
      const { client: underTest } = client();

      for (let n = 0; n < 4; n += 1) {
        expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));
        await nextTurn();
      }
    });

    it.each([
      ['one byte of the response', 'H'],
      ['an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ])('that is lost after %s: the request is not sent again', async (_what, bytes) => {
      for (const end of [reset, close]) {
        const server = await scripted([[respond(), bytesThen(bytes, end)], [respond()]], tls);
        const { client: underTest } = client();

        expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));
        await nextTurn();
        expect(await underTest.send(aRequest(urlOf(server)))).toEqual(retryableError('connection_reset'));

        expect(server.requests).toEqual([2]);
      }
    });

    it.each([
      ['reset', reset],
      ['closed', close],
    ])('if it is new and %s, the attempt fails', async (_how, end) => {
      const server = await scripted([[end]], tls);
      const { client: underTest } = client();

      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(retryableError('connection_reset'));

      expect(server.requests).toEqual([1]);
    });

    it('if it is new and a long request was read in part, the attempt fails', async () => {
      const server = await fixture.tcpServer({
        ...tls,
        onData: (socket) => void setTimeout(reset, 50, socket),
      });
      const { client: underTest } = client();
      const body = 'x'.repeat(8 * 1024 * 1024);

      expect(await underTest.send(aRequest(urlOf(server), { body }))).toEqual(
        retryableError('connection_reset'),
      );

      expect(server.sockets.accepted).toBe(1);
    });

    it('is replaced once: the outcome of the second request counts', async () => {
      const server = await scripted([[respond(), reset], [reset]], tls);
      const { client: underTest } = client();

      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));
      await nextTurn();
      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(retryableError('connection_reset'));

      expect(server.requests).toEqual([2, 1]);
    });

    it('is replaced by a new one, not by another idle one', async () => {
      const respondToBoth: Act = () => {
        if (server.requests.filter((count) => count > 0).length === 2) server.connections.forEach(respond());
      };
      const server: ScriptedServer = await scripted(
        [[respondToBoth, reset], [respondToBoth, reset], [respond()]],
        tls,
      );
      const { client: underTest } = client();
      const both = await Promise.all([1, 2].map(() => underTest.send(aRequest(urlOf(server)))));
      expect(both).toEqual([delivered(200), delivered(200)]);
      await nextTurn();

      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));

      expect(server.requests).toHaveLength(3);
      expect(server.requests[2]).toBe(1);
    });

    it('that closes while requests are sent on it: each is served once', async () => {
      const server = await idlingOut({ idleMs: 100, latencyMs: 40, ...tls });

      const outcomes = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const { client: underTest } = client();
          const found: unknown[] = [];
          for (let n = 0; n < 12; n += 1) {
            found.push(await underTest.send(aRequest(urlOf(server))));
            await sleep(60 + Math.random() * 50);
          }
          return found;
        }),
      );

      expect(outcomes.flat()).toEqual(Array.from({ length: 120 }, () => delivered(200)));
      expect(server.counts.served).toBe(120);
      expect(server.counts.missed).toBeGreaterThan(0);
    });

    it('in the tunnel of a proxy is replaced by a new tunnel', async () => {
      const proxy = await startForwardProxy();
      const server = await scripted([[respond(), reset], [respond()]], tls);
      const made = fixture.client({ through, extraCa: selfSigned.cert, proxy: parseProxyUrl(proxy.url) });

      expect(await made.client.send(aRequest(urlOf(server)))).toEqual(delivered(200));
      await nextTurn();
      expect(await made.client.send(aRequest(urlOf(server)))).toEqual(delivered(200));

      expect(server.requests).toEqual([2, 1]);
      await made.wire.close();
      await proxy.close();
    });

    it('shares its deadline with the new one', async () => {
      const resetLater: Act = (socket) => void setTimeout(reset, 200, socket);
      const server = await scripted([[respond(), resetLater], [staySilent]], tls);
      const { client: underTest, wire } = client(1_500);

      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));
      await nextTurn();
      const outcome = await underTest.send(aRequest(urlOf(server)));

      expect(outcome).toEqual(retryableError('timeout'));
      expect(outcome.durationMs).toBeGreaterThanOrEqual(1_490);
      expect(outcome.durationMs).toBeLessThan(1_500 + LATE_MS);
      expect(server.requests).toEqual([2, 1]);
      await server.sockets.allClosed();
      expect(wire.connections).toBe(0);
    });

    it('is also replaced while the transport is closing, which waits for it', async () => {
      const resetLater: Act = (socket) => void setTimeout(reset, 50, socket);
      const respondLater: Act = (socket) => void setTimeout(respond(), 50, socket);
      const server = await scripted([[respond(), resetLater], [respondLater]], tls);
      const { client: underTest, wire } = client();
      expect(await underTest.send(aRequest(urlOf(server)))).toEqual(delivered(200));
      await nextTurn();

      const outcome = underTest.send(aRequest(urlOf(server)));
      await nextTurn();
      await wire.close();

      expect(await Promise.race([outcome, Promise.resolve('still open')])).toEqual(delivered(200));
      expect(wire.connections).toBe(0);
      await server.sockets.allClosed();
    });
  });
});
