import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AttemptFixture,
  aRequest,
  delivered,
  finalError,
  retryableError,
} from '../support/attempt-fixture.js';
import { expired, selfSigned, wrongHost, type TlsCredentials } from '../support/tls/credentials.js';

const fixture = new AttemptFixture();
afterEach(() => fixture.close());

const OK_RESPONSE = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

describe('TLS', () => {
  const trusting = (credentials: TlsCredentials) => fixture.client({ extraCa: credentials.cert });

  it('trusts an extra authority, and sends the name', async () => {
    const server = await fixture.receiver({ tls: selfSigned });

    expect(await trusting(selfSigned).client.send(aRequest(server.url()))).toEqual(delivered(200));
    expect(server.requests[0]?.headers.host).toBe(`localhost:${server.port}`);
  });

  it('resolves a fully qualified name and checks the certificate without its dot', async () => {
    const server = await fixture.receiver({ tls: selfSigned });
    const url = `https://localhost.:${server.port}/`;

    expect(await trusting(selfSigned).client.send(aRequest(url))).toEqual(delivered(200));
  });

  it('refuses a self-signed certificate', async () => {
    const server = await fixture.receiver({ tls: selfSigned });

    expect(await fixture.client().client.send(aRequest(server.url()))).toEqual(
      retryableError('tls_certificate_self_signed'),
    );
    expect(server.requests).toHaveLength(0);
  });

  it('refuses an expired certificate', async () => {
    const server = await fixture.receiver({ tls: expired });

    expect(await trusting(expired).client.send(aRequest(server.url()))).toEqual(
      retryableError('tls_certificate_expired'),
    );
  });

  it('refuses a certificate for another host, also at the second attempt', async () => {
    const server = await fixture.receiver({ tls: wrongHost });
    const { client: underTest } = trusting(wrongHost);

    for (let n = 0; n < 2; n += 1) {
      expect(await underTest.send(aRequest(server.url()))).toEqual(
        retryableError('tls_certificate_wrong_host'),
      );
    }
    expect(server.requests).toHaveLength(0);
  });

  it('fails on a port that speaks no TLS', async () => {
    const server = await fixture.tcpServer({ onData: (socket) => socket.end('220 mail.example ESMTP\r\n') });

    expect(await fixture.client().client.send(aRequest(`https://127.0.0.1:${server.port}/`))).toEqual(
      retryableError('tls_failure'),
    );
  });
});

describe('address rules at connect', () => {
  const publicAddress = { address: '93.184.215.14', family: 4 };
  const loopback = { address: '127.0.0.1', family: 4 };

  it.each([
    ['loopback', [loopback]],
    ['both public and loopback', [publicAddress, loopback]],
    ['IPv4-mapped loopback', [{ address: '::ffff:127.0.0.1', family: 6 }]],
    ['NAT64 of loopback', [{ address: '64:ff9b::7f00:1', family: 6 }]],
  ])('a name that resolves to %s is never dialled', async (_name, addresses) => {
    const canary = await fixture.tcpServer();
    const { client: underTest } = fixture.client({
      allowedNetworks: [],
      allowedPorts: [canary.port],
      resolve: () => Promise.resolve(addresses),
    });

    const outcome = await underTest.send(aRequest(`http://rebind.example:${canary.port}/`));

    expect(outcome).toEqual(finalError('address_not_allowed'));
    expect(canary.sockets.accepted).toBe(0);
  });

  it.each(['http://localhost', 'http://127.0.0.1', 'http://2130706433', 'http://[::ffff:127.0.0.1]'])(
    '%s is never dialled',
    async (origin) => {
      const canary = await fixture.tcpServer();
      const { client: underTest } = fixture.client({ allowedNetworks: [], allowedPorts: [canary.port] });

      const outcome = await underTest.send(aRequest(`${origin}:${canary.port}/`));

      expect(outcome).toEqual(finalError('address_not_allowed'));
      expect(canary.sockets.accepted).toBe(0);
    },
  );

  it('dials the address that was vetted, after a single DNS query', async () => {
    // 127.0.0.2 plays the public address, so that no packet leaves this machine.
    const vetted = await fixture.tcpServer({
      host: '127.0.0.2',
      onData: (socket) => socket.end(OK_RESPONSE),
    });
    const canary = await fixture.tcpServer({ port: vetted.port });
    const responses = [[{ address: '127.0.0.2', family: 4 }]];
    const queries: string[] = [];
    const { client: underTest } = fixture.client({
      allowedNetworks: ['127.0.0.2/32'],
      resolve: (hostname) => {
        queries.push(hostname);
        return Promise.resolve(responses.shift() ?? [loopback]);
      },
    });
    const request = aRequest(`http://rebind.example:${vetted.port}/`);

    expect(await underTest.send(request)).toEqual(delivered(200));
    expect(queries).toEqual(['rebind.example']);
    // The connection is gone; a second one resolves the name again and now gets loopback.
    expect(await underTest.send(request)).toEqual(finalError('address_not_allowed'));
    expect(vetted.sockets.accepted).toBe(1);
    expect(canary.sockets.accepted).toBe(0);
  });

  it('allows a port that is not listed only for exempt addresses', async () => {
    const { client: underTest } = fixture.client({ resolve: () => Promise.resolve([publicAddress]) });

    expect(await underTest.send(aRequest('https://public.example:8443/'))).toEqual(
      finalError('address_not_allowed'),
    );
  });
});
