import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseProxyUrl } from '../../src/service-callbacks/connections/proxy.js';
import { clientUnderTest, type ClientOptions, type ClientUnderTest } from '../support/callback-client.js';
import { startForwardProxy, type ForwardProxy, type ForwardProxyOptions } from '../support/forward-proxy.js';
import * as kit from '../support/receiver.js';
import { runCommand } from '../support/run-command.js';
import { expired, selfSigned, wrongHost } from '../support/tls/credentials.js';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function receiver(options?: kit.ReceiverOptions): Promise<kit.Receiver> {
  const started = await kit.startReceiver(options);
  closers.push(() => started.close());
  return started;
}

async function forwardProxy(options?: ForwardProxyOptions): Promise<ForwardProxy> {
  const started = await startForwardProxy(options);
  closers.push(() => started.close());
  return started;
}

function clientThrough(proxyUrl: string, options: ClientOptions = {}): ClientUnderTest {
  const made = clientUnderTest({ proxy: parseProxyUrl(proxyUrl), ...options });
  closers.push(() => made.wire.close());
  return made;
}

const aRequest = (url: string) => ({
  id: 'an-id',
  url,
  bearerToken: 'a-token',
  signingSecrets: [],
  body: '{}',
});

const delivered = { kind: 'delivered', statusCode: 200 };
const retryable = (error: string) => ({ kind: 'retryable', failure: { error } });
const loopback = [{ address: '127.0.0.1', family: 4 }];

describe('through a forward proxy', () => {
  it('gets the checked address and port, over http and https; the server sees the name', async () => {
    const plain = await receiver();
    const secure = await receiver({ tls: selfSigned });
    const proxy = await forwardProxy();
    const { client } = clientThrough(proxy.url, {
      extraCa: selfSigned.cert,
      resolve: () => Promise.resolve(loopback),
    });

    expect(await client.send(aRequest(`http://plain.example:${plain.port}/hook?a=1`))).toMatchObject(
      delivered,
    );
    expect(await client.send(aRequest(secure.url('/hook')))).toMatchObject(delivered);

    expect(proxy.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      `CONNECT 127.0.0.1:${plain.port}`,
      `CONNECT 127.0.0.1:${secure.port}`,
    ]);
    expect(plain.requests[0]).toMatchObject({
      url: '/hook?a=1',
      headers: { host: `plain.example:${plain.port}`, authorization: 'Bearer a-token' },
    });
    expect(secure.requests[0]?.headers.host).toBe(`localhost:${secure.port}`);
    // The proxy sees nothing of the request.
    expect(JSON.stringify(proxy.requests)).not.toMatch(/a-token|hook|plain\.example/);
  });

  it('keeps a tunnel for the next request', async () => {
    const server = await receiver();
    const proxy = await forwardProxy();
    const { client } = clientThrough(proxy.url);

    for (let n = 0; n < 6; n += 1) expect(await client.send(aRequest(server.url()))).toMatchObject(delivered);

    expect(proxy.requests.length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['a private address', 'http://10.0.0.1/', loopback],
    ['a name with a private address', 'http://rebind.example/', [{ address: '10.0.0.1', family: 4 }]],
    [
      'a name with a public and a private address',
      'http://both.example/',
      [
        { address: '93.184.215.14', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ],
    ],
    ['a port that is not listed', 'http://other.example:8080/', [{ address: '93.184.215.14', family: 4 }]],
  ])('gets no request for %s', async (_name, url, addresses) => {
    const proxy = await forwardProxy();
    const { client } = clientThrough(proxy.url, { resolve: () => Promise.resolve(addresses) });

    expect(await client.send(aRequest(url))).toMatchObject({
      kind: 'final',
      failure: { error: 'address_not_allowed' },
    });
    expect(proxy.sockets.accepted).toBe(0);
  });

  it('tries the next address if the proxy cannot reach the first', async () => {
    const server = await receiver();
    const closed = await kit.closedPort();
    const proxy = await forwardProxy({
      route: (host, port) => ({ host: '127.0.0.1', port: host === '127.0.0.2' ? closed : port }),
    });
    const addresses = [{ address: '127.0.0.2', family: 4 }, ...loopback];
    const { client } = clientThrough(proxy.url, { resolve: () => Promise.resolve(addresses) });

    expect(await client.send(aRequest(`http://two.example:${server.port}/`))).toMatchObject(delivered);
    expect(proxy.requests.map(({ target }) => target)).toEqual([
      `127.0.0.2:${server.port}`,
      `127.0.0.1:${server.port}`,
    ]);
  });

  it.each([
    ['tls_certificate_self_signed', selfSigned, ''],
    ['tls_certificate_expired', expired, expired.cert],
    ['tls_certificate_wrong_host', wrongHost, wrongHost.cert],
  ])('verifies certificates: %s', async (error, tls, extraCa) => {
    const server = await receiver({ tls });
    const proxy = await forwardProxy();
    const { client } = clientThrough(proxy.url, extraCa === '' ? {} : { extraCa });

    expect(await client.send(aRequest(server.url()))).toMatchObject(retryable(error));
    expect(server.requests).toHaveLength(0);
  });

  it('sends its credentials, which may have any characters, and speaks TLS to it if its URL is https', async () => {
    const server = await receiver();
    const proxy = await forwardProxy({ credentials: 'us er:p@ss:wörd', tls: selfSigned });
    const url = new URL(proxy.url);
    url.username = 'us er';
    url.password = 'p@ss:wörd';
    const { client } = clientThrough(url.href, { extraCa: selfSigned.cert });

    expect(await client.send(aRequest(server.url()))).toMatchObject(delivered);
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it.each<[string, ForwardProxyOptions]>([
    ['wants other credentials', { credentials: 'user:password' }],
    ['does not speak HTTP', { respond: (socket) => socket.end('220 mail.example ESMTP\r\n\r\n') }],
    ['does not speak HTTP', { respond: (socket) => socket.write('x'.repeat(20_000)) }],
    ['closed the connection without a response', { respond: (socket) => socket.end() }],
  ])('a proxy that %s is a fault of this platform, not of the endpoint', async (problem, options) => {
    const server = await receiver();
    const { client } = clientThrough((await forwardProxy(options)).url);

    await expect(client.send(aRequest(server.url()))).rejects.toThrow(problem);
    expect(server.requests).toHaveLength(0);
  });

  it('a proxy that does not exist is a fault of this platform; the message has no name and no password', async () => {
    const port = await kit.closedPort();
    const { client } = clientThrough(`http://user:hunter2@127.0.0.1:${port}`);

    const failure = client.send(aRequest('http://127.0.0.1:1234/'));

    await expect(failure).rejects.toThrow(
      'The forward proxy (CALLBACK_PROXY_URL) cannot be reached (ECONNREFUSED)',
    );
    await expect(failure).rejects.not.toThrow('hunter2');
  });

  it.each<[string, ForwardProxyOptions, string]>([
    ['refuses', { respond: (socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n') }, 'proxy_refused'],
    ['gets nowhere', { route: () => ({ host: '127.0.0.1', port: 1 }) }, 'proxy_refused'],
    ['never responds', { respond: () => undefined }, 'timeout'],
    ['resets a tunnel', { respond: resetAfterConnect }, 'connection_reset'],
    [
      'lets the endpoint speak first',
      { respond: (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n') },
      'invalid_response',
    ],
  ])('a proxy that %s is a failed attempt', async (_name, options, error) => {
    const server = await receiver();
    const proxy = await forwardProxy(options);
    const { client } = clientThrough(proxy.url, { timeoutMs: 500 });

    expect(await client.send(aRequest(server.url()))).toMatchObject(retryable(error));
    await proxy.sockets.allClosed();
  });

  it.each(['socks5://proxy:1080', 'proxy:3128', '', 'http://'])('%j is not a proxy', (url) => {
    expect(() => parseProxyUrl(url)).toThrow('The proxy URL is not one');
  });
});

describe('without CALLBACK_PROXY_URL', () => {
  it('ignores proxy variables of the environment, also where Node would use them', async () => {
    const server = await receiver();
    const canary = await kit.startTcpServer();
    closers.push(() => canary.close());
    const url = `http://127.0.0.1:${canary.port}`;
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    const environment = Object.fromEntries(names.map((name) => [name, url]));

    const { stdout } = await runCommand(
      'test/support/one-callback.ts',
      { ...environment, NO_PROXY: '', no_proxy: '', NODE_USE_ENV_PROXY: '1', npm_config_proxy: url },
      [server.url()],
    );

    expect(JSON.parse(stdout)).toMatchObject(delivered);
    expect(server.requests).toHaveLength(1);
    expect(canary.sockets.accepted).toBe(0);
  });
});

function resetAfterConnect(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  socket.once('data', () => socket.resetAndDestroy());
}
