import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { nameResolver } from '../../src/service-callbacks/names/name-resolver.js';
import { clientUnderTest, type ClientOptions, type ClientUnderTest } from '../support/callback-client.js';
import { startDnsServer } from '../support/dns-server.js';
import * as kit from '../support/receiver.js';
import { respondWith } from '../support/receiver/hostile-sockets.js';
import { selfSigned, wrongHost } from '../support/tls/credentials.js';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function client(options: ClientOptions = {}): ClientUnderTest {
  const made = clientUnderTest(options);
  closers.push(() => made.wire.close());
  return made;
}

const aRequest = (url: string) => ({
  id: 'an-id',
  url,
  bearerToken: 'a-bearer-token',
  signingSecrets: [],
  body: '{}',
});

describe('what a receiver learns, and what it cannot make the client do', () => {
  it.each(['http-service', 'undici'] as const)(
    'no cookie is sent, and no compression is requested (%s)',
    async (through) => {
      const server = await kit.startReceiver();
      closers.push(() => server.close());
      server.respond('/', kit.status(200, { headers: { 'set-cookie': 'track=1; Path=/' } }));
      const { client: underTest } = client({ through });

      for (let n = 0; n < 3; n += 1) await underTest.send(aRequest(server.url()));

      for (const { headers } of server.requests) {
        expect(Object.keys(headers)).not.toContain('cookie');
        expect(Object.keys(headers)).not.toContain('accept-encoding');
      }
      expect(server.requests).toHaveLength(3);
    },
  );

  it.each([
    ['15 KiB of one header', `x-long: ${'x'.repeat(15 * 1024)}\r\n`, { kind: 'delivered' }],
    ['2,000 headers in 14 KiB', 'a: bc\r\n'.repeat(2_000), { kind: 'delivered' }],
    [
      '17 KiB of one header',
      `x-long: ${'x'.repeat(17 * 1024)}\r\n`,
      { failure: { error: 'invalid_response' } },
    ],
    ['3,000 headers in 21 KiB', 'a: bc\r\n'.repeat(3_000), { failure: { error: 'invalid_response' } }],
  ])('%s', async (_name, headers, outcome) => {
    const server = await kit.startTcpServer(
      respondWith(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n${headers}\r\n`),
    );
    closers.push(() => server.close());

    expect(await client().client.send(aRequest(`http://127.0.0.1:${server.port}/`))).toMatchObject(outcome);
    await server.sockets.allClosed();
  });

  it('a TLS server gets the name of the URL and at least TLS 1.2, and its certificate must be for that name', async () => {
    const dns = await startDnsServer();
    closers.push(() => dns.close());
    dns.respond('hooks.example', ({ type }) => (type === 'A' ? [{ a: '127.0.0.1' }] : []));
    const names: unknown[] = [];
    const server = createServer(
      { ...wrongHost, SNICallback: (name, done) => (names.push(name), done(null)) },
      (socket: TLSSocket) =>
        void socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'),
    );
    server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    const { client: underTest } = client({
      extraCa: wrongHost.cert + selfSigned.cert,
      resolve: nameResolver({ timeoutMs: 2_000, servers: [dns.address] }),
    });

    expect(await underTest.send(aRequest(`https://hooks.example:${port}/`))).toMatchObject({
      failure: { error: 'tls_certificate_wrong_host' },
    });
    expect(names).toEqual(['hooks.example']);
  });
});
