import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { DeliveryError } from '../../src/service-callbacks/connections/errors.js';
import { clientUnderTest, type ClientOptions, type ClientUnderTest } from '../support/callback-client.js';
import * as kit from '../support/receiver.js';
import * as hostile from '../support/receiver/hostile-sockets.js';
import { selfSigned } from '../support/tls/credentials.js';

const TIMEOUT_MS = 500;
/** How late (ms) a busy machine may be. */
const LATE_MS = 1_000;
/** The deadline of an attempt that something else must end first, ms: otherwise `TIMEOUT_MS + LATE_MS` are exceeded. */
const NOT_THE_DEADLINE_MS = 5_000;

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function server(options: kit.TcpServerOptions): Promise<kit.TcpServer> {
  const started = await kit.startTcpServer(options);
  closers.push(() => started.close());
  return started;
}

function client(options: ClientOptions = {}): ClientUnderTest {
  const made = clientUnderTest({ timeoutMs: TIMEOUT_MS, extraCa: selfSigned.cert, ...options });
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
const retryable = (error: DeliveryError) => ({ kind: 'retryable', failure: { error } });
const TIMED_OUT = retryable('timeout');

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

/** What a server does below HTTP, and the outcome of the attempt. */
const sockets: readonly (readonly [string, hostile.SocketBehaviour, object])[] = [
  ['RST when it has accepted', hostile.resetOnAccept(), retryable('connection_reset')],
  ['FIN when it has accepted', hostile.closeOnAccept(), retryable('connection_reset')],
  ['RST at the first bytes of the request', hostile.resetOnFirstBytes(), retryable('connection_reset')],
  ['RST in the status line', hostile.resetInStatusLine(), retryable('connection_reset')],
  ['RST in the headers', hostile.resetInHeaders(), retryable('connection_reset')],
  ['RST in the body', hostile.resetInBody(), delivered],
  ['FIN in the status line', hostile.closeInStatusLine(), retryable('connection_reset')],
  ['FIN in the headers', hostile.closeInHeaders(), retryable('connection_reset')],
  ['half-close before it responds', hostile.halfCloseOnAccept(), retryable('connection_reset')],
  ['half-close after its response', hostile.halfCloseAfterResponse(), delivered],
  ['slow-loris headers', hostile.drip(OK, 'x-slow: 1\r\n', 10), TIMED_OUT],
  ['slow 103s', hostile.drip('', 'HTTP/1.1 103 Early Hints\r\n\r\n', 100), TIMED_OUT],
  ['slow 100s', hostile.drip('', 'HTTP/1.1 100 Continue\r\n\r\n', 100), TIMED_OUT],
  ['endless 103s', hostile.flood('', 'HTTP/1.1 103 Early Hints\r\n\r\n'), retryable('invalid_response')],
  ['endless 100s', hostile.flood('', 'HTTP/1.1 100 Continue\r\n\r\n'), retryable('invalid_response')],
  [
    'one endless status line',
    hostile.flood('HTTP/1.1 200 ', 'O'.repeat(1_000)),
    retryable('invalid_response'),
  ],
  ['one endless header', hostile.flood(`${OK}x-long: `, 'x'.repeat(1_000)), retryable('invalid_response')],
  ['endless small headers', hostile.flood(OK, 'a: b\r\n'), retryable('invalid_response')],
  ['an endless chunk size', hostile.flood(CHUNKED, '0'.repeat(1_000)), delivered],
  ['an endless chunk extension', hostile.flood(`${CHUNKED}5;`, 'x'.repeat(1_000)), delivered],
  ['endless trailers', hostile.flood(`${CHUNKED}0\r\n`, 'x-trailer: 1\r\n'), delivered],
  ['endless garbage', hostile.flood('', '\u0000\u0001\u0002\u0003'), retryable('invalid_response')],
  ['a brotli bomb', hostile.brotliBomb(), delivered],
  ['a chunk size that is none', hostile.respondWith(`${CHUNKED}zz\r\n`), delivered],
  [
    'length and chunks at once',
    hostile.respondWith(`${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    retryable('invalid_response'),
  ],
  [
    'a negative length',
    hostile.respondWith(`${OK}content-length: -1\r\n\r\n`),
    retryable('invalid_response'),
  ],
  [
    'a length beyond all numbers',
    hostile.respondWith(`${OK}content-length: ${'9'.repeat(40)}\r\n\r\n`),
    retryable('invalid_response'),
  ],
  ['a NUL in a header', hostile.respondWith(`${OK}x-nul: a\0b\r\n\r\n`), retryable('invalid_response')],
  [
    'HTTP/2 frames',
    hostile.respondWith(Buffer.from('000006040000000000000300000064', 'hex')),
    retryable('invalid_response'),
  ],
  ['HTTP/7.9', hostile.respondWith('HTTP/7.9 200 OK\r\n\r\n'), retryable('invalid_response')],
  ['ICY', hostile.respondWith('ICY 200 OK\r\n\r\n'), retryable('invalid_response')],
  [
    'an upgrade to h2c',
    hostile.respondWith('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'),
    retryable('invalid_response'),
  ],
];

describe.each(['http', 'https'] as const)('a hostile receiver over %s', (scheme) => {
  const tls = scheme === 'https' ? { tls: selfSigned } : {};

  it.each(sockets)('%s', async (_name, behaviour, outcome) => {
    const under = await server({ ...tls, ...behaviour });
    const timeoutMs = outcome === TIMED_OUT ? TIMEOUT_MS : NOT_THE_DEADLINE_MS;
    const { client: underTest, wire } = client({ timeoutMs });
    const startedAt = performance.now();

    const got = await underTest.send(aRequest(`${scheme}://localhost:${under.port}/`));

    expect(got).toMatchObject(outcome);
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + LATE_MS);
    await wire.close();
    // The other half is the server's own to close.
    if (behaviour.allowHalfOpen !== true) await under.sockets.allClosed();
  });

  it('keep-alive, then no response: the attempt ends in time, and the next has another connection', async () => {
    const under = await server({ ...tls, ...hostile.keepAliveThenSilence() });
    const { client: underTest } = client();
    const url = `${scheme}://localhost:${under.port}/`;

    const outcomes = [];
    for (let n = 0; n < 4; n += 1) outcomes.push(await underTest.send(aRequest(url)));

    expect(outcomes[0]).toMatchObject(delivered);
    expect(outcomes.at(-1)?.kind).toBeDefined();
    // Each connection is good for one: a request on one that stopped responding fails.
    const responded = outcomes.filter(({ kind }) => kind === 'delivered').length;
    expect(responded).toBe(under.sockets.accepted);
    expect(outcomes.filter(({ kind }) => kind === 'retryable')).toHaveLength(4 - responded);
  });

  it('keep-alive, then RST: the request goes over a new connection, and no attempt fails', async () => {
    const under = await server({ ...tls, ...hostile.keepAliveThenReset() });
    const { client: underTest } = client();

    for (let n = 0; n < 6; n += 1) {
      expect(await underTest.send(aRequest(`${scheme}://localhost:${under.port}/`))).toMatchObject(delivered);
    }
  });

  it('a response without a request is not used for the next request', async () => {
    const smuggled = 'HTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n';
    const under = await server({
      ...tls,
      ...hostile.respondWith(`${OK}content-length: 0\r\n\r\n${smuggled}`),
    });
    const { client: underTest } = client();

    for (let n = 0; n < 4; n += 1) {
      expect(await underTest.send(aRequest(`${scheme}://localhost:${under.port}/`))).toMatchObject(delivered);
    }
  });

  it('a circle of redirects is not followed', async () => {
    const location = `HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n`;
    const requests: Buffer[] = [];
    const under = await server({
      ...tls,
      onData: (socket, data) => {
        requests.push(data);
        socket.write(location);
      },
    });

    expect(await client().client.send(aRequest(`${scheme}://localhost:${under.port}/`))).toMatchObject({
      kind: 'final',
      failure: { statusCode: 302 },
    });
    expect(requests.join('').match(/POST \/ /g)).toHaveLength(1);
  });
});

describe('a hostile receiver, below TLS', () => {
  it.each([
    ['an alert instead of a handshake', { onData: say(hostile.TLS_ALERTS.handshakeFailure) }, 'tls_failure'],
    ['plain HTTP', { onData: say('HTTP/1.1 400 Bad Request\r\n\r\n') }, 'tls_failure'],
    ['garbage', { onData: say('\u0000'.repeat(100)) }, 'tls_failure'],
    ['RST in the handshake', hostile.resetOnFirstBytes(), 'connection_reset'],
    ['FIN in the handshake', { onData: (socket) => socket.end() }, 'connection_reset'],
    ['no bytes', {}, 'timeout'],
  ] satisfies [string, hostile.SocketBehaviour, DeliveryError][])('%s', async (_name, behaviour, error) => {
    const under = await server(behaviour);

    expect(await client().client.send(aRequest(`https://localhost:${under.port}/`))).toMatchObject(
      retryable(error),
    );
    await under.sockets.allClosed();
  });

  it('an alert in the middle of the response', async () => {
    let isAsked = false;
    const onData = (socket: Socket): void => {
      isAsked = true;
      socket.write(OK);
    };
    const secure = await server({ tls: selfSigned, onData });
    const under = await server(hostile.alertWhen(secure.port, () => isAsked));

    const outcome = await client().client.send(aRequest(`https://localhost:${under.port}/`));

    // OpenSSL may see the connection's end first.
    expect(['tls_failure', 'connection_reset']).toContain(
      outcome.kind === 'retryable' ? outcome.failure.error : outcome.kind,
    );
  });

  it('a server that requires a client certificate, or speaks at most TLS 1.1', async () => {
    const { client: underTest } = client();
    const wants = await server({ tls: { ...selfSigned, requestCert: true, rejectUnauthorized: true } });
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const speaks = await server({ tls: { ...selfSigned, ...old } });

    const [wanted, spoken] = await Promise.all(
      [wants, speaks].map(({ port }) => underTest.send(aRequest(`https://localhost:${port}/`))),
    );

    expect(wanted?.kind).toBe('retryable');
    expect(spoken).toMatchObject(retryable('tls_failure'));
  });
});

function say(bytes: string | Buffer): NonNullable<kit.TcpServerOptions['onData']> {
  return (socket) => void socket.write(bytes);
}
