import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { DeliveryError } from '../../src/service-callbacks/connections/errors.js';
import type { DeliveryOutcome } from '../../src/service-callbacks/transport/delivery-outcome.js';
import {
  AttemptFixture,
  aRequest,
  delivered,
  final,
  finalError,
  retryable,
  retryableError,
} from '../support/attempt-fixture.js';
import { eventually } from '../support/eventually.js';
import * as kit from '../support/receiver.js';
import { runCommand } from '../support/run-command.js';

const fixture = new AttemptFixture();
afterEach(() => fixture.close());

/** How late (ms) a busy machine may be; alone it is 5. */
const LATE_MS = 400;

const everyStatus: readonly [number, (statusCode: number) => object][] = [
  ...[200, 201, 202, 204, 206, 299].map((code) => [code, delivered] as const),
  ...[300, 301, 302, 303, 304, 307, 308, 399].map((code) => [code, final] as const),
  ...[400, 401, 403, 404, 405, 408, 409, 410, 418, 422, 428, 451, 499].map((code) => [code, final] as const),
  ...[429, 500, 501, 502, 503, 504, 511, 599].map((code) => [code, retryable] as const),
].map(([code, outcome]) => [code, outcome]);

/** What a server does with the request, and the outcome of the attempt. */
const behaviours: readonly [string, kit.Behaviour, object][] = [
  ['reset before headers', kit.resetBeforeHeaders(), retryableError('connection_reset')],
  ['closed before headers', kit.closeBeforeHeaders(), retryableError('connection_reset')],
  ['reset mid-body after a 200', kit.resetMidBody(), delivered(200)],
  ['never responds', kit.hang(), retryableError('timeout')],
  ['headers never complete', kit.incompleteHeaders(), retryableError('timeout')],
  ['headers that drip past the deadline', kit.dripHeaders(20), retryableError('timeout')],
  ['200 whose body drips past the deadline', kit.dripBody(20), delivered(200)],
  ['responds after a while', kit.delay(100, 202), delivered(202)],
  ['not HTTP', kit.notHttp(), retryableError('invalid_response')],
  ['HTTP/0.9', kit.http09(), retryableError('invalid_response')],
  ['endless headers', kit.endlessHeaders(), retryableError('invalid_response')],
  ['endless body', kit.endlessBody(), delivered(200)],
  ['gzip bomb', kit.gzipBomb(), delivered(200)],
  ['body shorter than announced', kit.contentLengthTooLong(), delivered(200)],
  ['body longer than announced', kit.contentLengthTooShort(), delivered(200)],
  ['two content lengths', kit.conflictingLengths(), retryableError('invalid_response')],
  ['100 then 200', kit.continueFirst(), delivered(200)],
  ['three times 100 then 503', kit.continueFirst(3, 503), retryable(503)],
  ['103 then 200', kit.earlyHints(), delivered(200)],
  ['103 then 404', kit.earlyHints(1, 404), final(404)],
  ['flood of 100', kit.continueFirst(10_000), retryableError('invalid_response')],
  ['flood of 103', kit.earlyHints(10_000), retryableError('invalid_response')],
  ['101 with upgrade', kit.switchProtocols(), retryableError('invalid_response')],
  ['101 without upgrade', kit.switchProtocols({ upgrade: false }), retryableError('invalid_response')],
  ['status 999', kit.rawStatus('999'), retryableError('invalid_response')],
  ['status 600', kit.rawStatus('600'), retryableError('invalid_response')],
  ['status 099', kit.rawStatus('099'), retryableError('invalid_response')],
  ['status 000', kit.rawStatus('000'), retryableError('invalid_response')],
  ['redirect to itself', kit.redirect(307, '/'), final(307)],
];

describe.each(['http-service', 'undici'] as const)('CallbackClient through %s', (through) => {
  it('sends the headers of the contract and of Standard Webhooks, and no others', async () => {
    const server = await fixture.receiver();
    const { client: underTest } = fixture.client({ through });
    const before = Math.floor(Date.now() / 1000);

    await underTest.send(aRequest(server.url('/hook?a=1'), { body: '{"to":"Zoë"}' }));

    const [request] = await server.waitForRequests(1);
    expect(request).toMatchObject({ method: 'POST', url: '/hook?a=1', body: '{"to":"Zoë"}' });
    const { 'webhook-timestamp': timestamp, ...headers } = request?.headers ?? {};
    expect(headers).toEqual({
      accept: '*/*',
      authorization: 'Bearer a-bearer-token',
      connection: 'keep-alive',
      'content-length': '13',
      'content-type': 'application/json',
      host: `127.0.0.1:${server.port}`,
      'user-agent': 'service-callbacks',
      'webhook-id': 'a-callback-id',
    });
    expect(Number(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Number(timestamp)).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it.each([
    ['/a?', '/a?'],
    ['?', '/?'],
    ['/a/../b/./%2e%2e/c', '/a/../b/./%2e%2e/c'],
    [`/%7e~?q='"<{|}>^\`[]&r=%zz&s=a+b;c#fragment?not=sent`, `/%7e~?q='"<{|}>^\`[]&r=%zz&s=a+b;c`],
    ['/zoë?q=ü', '/zo%C3%AB?q=%C3%BC'],
  ])('requests %s as it was typed', async (typed, target) => {
    const server = await fixture.receiver();
    const { client: underTest } = fixture.client({ through });

    await underTest.send(aRequest(server.url('') + typed));

    expect(server.requests.map(({ url }) => url)).toEqual([target]);
  });

  it.each(everyStatus)('responds with %i', async (code, outcome) => {
    const server = await fixture.receiver();
    server.respond('/', kit.status(code, { headers: { location: server.url('/elsewhere') } }));
    const { client: underTest } = fixture.client({ through });

    expect(await underTest.send(aRequest(server.url()))).toEqual(outcome(code));
    expect(server.requests).toHaveLength(1);
  });

  it.each(behaviours)('%s', async (_name, behaviour, outcome) => {
    const server = await fixture.receiver();
    server.respond('/', behaviour);
    const { client: underTest, wire } = fixture.client({ through, timeoutMs: 400 });

    const got = await underTest.send(aRequest(server.url()));

    expect(got).toEqual(outcome);
    expect(got.durationMs).toBeLessThan(400 + LATE_MS);
    expect(server.requests).toHaveLength(1);
    // The next callback to the same server finds a healthy connection.
    server.respond('/', 204);
    expect(await underTest.send(aRequest(server.url()))).toEqual(delivered(204));
    await wire.close();
    await server.sockets.allClosed();
  });

  it('refused', async () => {
    const { client: underTest } = fixture.client({ through });
    const url = `http://127.0.0.1:${await kit.closedPort()}/`;

    expect(await underTest.send(aRequest(url))).toEqual(retryableError('connection_refused'));
  });

  it('a name that does not resolve', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    const { client: underTest } = fixture.client({ through, resolve });

    expect(await underTest.send(aRequest('https://gone.example/'))).toEqual(retryableError('dns_failure'));
  });

  it.each<[string, DeliveryError]>([
    ['not a url', 'invalid_url'],
    ['ftp://example.org/', 'scheme_not_allowed'],
    ['https://user:secret@example.org/', 'userinfo_not_allowed'],
    ['https://10.0.0.1/', 'address_not_allowed'],
    ['https://8.8.8.8:22/', 'port_not_allowed'],
  ])('refuses %s without a retry', async (url, error) => {
    const { client: underTest } = fixture.client({ through });

    expect(await underTest.send(aRequest(url))).toEqual(finalError(error));
  });

  it('throws for a header that no request may carry', async () => {
    const server = await fixture.receiver();
    const { client: underTest } = fixture.client({ through });

    await expect(underTest.send(aRequest(server.url(), { bearerToken: 'a\r\nb' }))).rejects.toThrow(
      'Invalid character in header',
    );
    expect(server.requests).toHaveLength(0);
  });
});

describe.each(['http-service', 'undici'] as const)(
  'a response that is rare but allowed, through %s',
  (through) => {
    it.each<[string, string, object]>([
      ['a folded header', 'HTTP/1.1 200 OK\r\nx-a: one,\r\n two\r\n', delivered(200)],
      [
        'a header folded by tabs, twice',
        'HTTP/1.1 200 OK\r\nx-a: one,\r\n\ttwo,\r\n\t\tthree\r\n',
        delivered(200),
      ],
      [
        'a value that begins on the next line',
        'HTTP/1.1 503 Busy\r\nretry-after:\r\n 7\r\n',
        { ...retryable(503), retryAfterMs: 7_000 },
      ],
      ['a blank line before the first header', 'HTTP/1.1 404 No\r\n \r\n', final(404)],
      [
        'a folded header of an interim response',
        'HTTP/1.1 103 Hints\r\nlink: </a>;\r\n rel=preload\r\n\r\nHTTP/1.1 202 OK\r\n',
        delivered(202),
      ],
      ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n', delivered(200)],
      ['HTTP/1.9', 'HTTP/1.9 410 Gone\r\n', final(410)],
      ['an interim response of HTTP/1.2', 'HTTP/1.2 100 Continue\r\n\r\nHTTP/1.2 200 OK\r\n', delivered(200)],
      ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n', delivered(200)],
    ])('%s', async (_name, head, outcome) => {
      for (const cut of [head.length, 1]) {
        const server = await fixture.tcpServer({
          onData: (socket, data) =>
            data.includes('POST')
              ? void writeInPieces(socket, `${head}content-length: 2\r\n\r\nok`, cut)
              : undefined,
        });
        const { client: underTest } = fixture.client({ through });

        const got = await underTest.send(aRequest(`http://127.0.0.1:${server.port}/`));

        expect(got).toMatchObject(outcome);
      }
    });

    it('of HTTP/1.2 leaves the connection for the next request', async () => {
      const server = await fixture.tcpServer({
        onData: (socket) => void socket.write('HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n'),
      });
      const { client: underTest } = fixture.client({ through });
      for (let n = 0; n < 4; n += 1) {
        expect(await underTest.send(aRequest(`http://127.0.0.1:${server.port}/`))).toEqual(delivered(200));
        await new Promise(setImmediate);
      }
      expect(server.sockets.accepted).toBe(1);
    });

    it.each(['HTTP/3.1 200 OK', 'HTTP/1.10 200 OK', 'HTTP/1.1\r\n 200 OK', 'HTTQ/1.2 200 OK'])(
      'is not valid if it begins with %j',
      async (statusLine) => {
        const server = await fixture.tcpServer({
          onData: (socket) => void socket.write(`${statusLine}\r\ncontent-length: 0\r\n\r\n`),
        });
        const { client: underTest } = fixture.client({ through });
        expect(await underTest.send(aRequest(`http://127.0.0.1:${server.port}/`))).toEqual(
          retryableError('invalid_response'),
        );
      },
    );
  },
);

describe('Retry-After', () => {
  it.each<[number, string, number | undefined]>([
    [429, '7', 7_000],
    [503, '7', 7_000],
    [500, '7', undefined],
    [503, 'soon', undefined],
  ])('of a %i with %s is %p ms', async (code, header, retryAfterMs) => {
    const server = await fixture.receiver();
    server.respond('/', kit.status(code, { headers: { 'retry-after': header } }));

    const outcome = await fixture.client().client.send(aRequest(server.url()));

    expect(outcome).toEqual({ ...retryable(code), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  });
});

describe('the excerpt', () => {
  const HEAD = 'HTTP/1.1 400 Bad Request\r\ntransfer-encoding: chunked\r\n\r\n';
  const FIRST = '11\r\nwhat is a-bearer-\r\n';

  it.each<[string, string, (socket: Socket) => void, string]>([
    [
      'is split over two chunks',
      'a-bearer-token',
      (socket) => void setTimeout(() => socket.write('6\r\ntoken?\r\n0\r\n\r\n'), 50),
      'what is […]?',
    ],
    ['is cut off with the connection', 'a-bearer-token', (socket) => void socket.end(), 'what is […]'],
    ['is cut off by the deadline', 'a-bearer-token', () => undefined, 'what is […]'],
  ])('masks a token that %s', async (_how, bearerToken, then, excerpt) => {
    const server = await fixture.tcpServer({
      onData: (socket, data) => {
        if (!data.includes('POST')) return;
        socket.write(HEAD + FIRST);
        then(socket);
      },
    });
    const { client: underTest } = fixture.client({ timeoutMs: 400 });

    expect(await underTest.send(aRequest(`http://127.0.0.1:${server.port}/`, { bearerToken }))).toEqual({
      ...final(400),
      excerpt,
    });
  });
});

describe('the deadline', () => {
  it.each<[string, kit.Behaviour]>([
    ['a server that never responds', kit.hang()],
    ['dripping headers', kit.dripHeaders(10)],
    ['a dripping body', kit.dripBody(10)],
  ])('ends %s', async (_name, behaviour) => {
    const server = await fixture.receiver();
    server.respond('/', behaviour);
    const { client: underTest } = fixture.client({ timeoutMs: 300 });

    const elapsed = await timed(() => underTest.send(aRequest(server.url())));

    expect(elapsed).toBeGreaterThanOrEqual(295);
    expect(elapsed).toBeLessThan(300 + LATE_MS);
  });

  it('covers the resolver', async () => {
    const { client: underTest } = fixture.client({ timeoutMs: 300, resolve: () => new Promise(() => {}) });
    let outcome: DeliveryOutcome | undefined;

    const elapsed = await timed(async () => {
      outcome = await underTest.send(aRequest('https://slow.example/'));
    });

    expect(outcome).toEqual(retryableError('timeout'));
    expect(elapsed).toBeLessThan(300 + LATE_MS);
  });

  it('covers the TLS handshake, and leaves no unfinished connection', async () => {
    const hanging = await fixture.tcpServer();
    const { client: underTest } = fixture.client({ timeoutMs: 300 });

    const elapsed = await timed(async () => {
      const outcome = await underTest.send(aRequest(`https://127.0.0.1:${hanging.port}/`));
      expect(outcome).toEqual(retryableError('timeout'));
    });

    expect(elapsed).toBeLessThan(300 + LATE_MS);
    expect(hanging.sockets.accepted).toBe(1);
    await hanging.sockets.allClosed();
  });

  it('accepts a response that arrived in time while the process was stopped', async () => {
    const server = await fixture.receiver();
    let stopped = 0;
    server.respond('/', (exchange) => {
      process.kill(stopped, 'SIGSTOP');
      kit.status(200)(exchange);
      // Past the deadline, which is two seconds.
      setTimeout(() => process.kill(stopped, 'SIGCONT'), 2_500);
    });

    const file = 'test/support/one-callback.ts';
    const { stdout } = await runCommand(file, {}, [server.url()], (pid) => (stopped = pid));

    expect(JSON.parse(stdout)).toMatchObject(delivered(200));
  });

  it('measures the duration to the decision, not to the end of the body', async () => {
    const server = await fixture.receiver();
    server.respond('/', kit.dripBody(10));

    const outcome = await fixture.client({ timeoutMs: 500 }).client.send(aRequest(server.url()));

    expect(outcome.durationMs).toBeLessThan(400);
  });
});

describe('connections', () => {
  it('are reused after a small body', async () => {
    const server = await fixture.receiver();
    server.respond('/', kit.status(200, { body: 'x'.repeat(16 * 1024) }));
    const { client: underTest } = fixture.client();

    for (let n = 0; n < 10; n += 1) await underTest.send(aRequest(server.url()));

    // Two that take turns: undici rests a connection for a turn of the event loop.
    expect(server.sockets.accepted).toBeLessThanOrEqual(2);
  });

  it.each([
    ['announced', kit.status(200, { body: 'x'.repeat(16 * 1024 + 1) })],
    [
      'chunked',
      kit.status(200, { body: 'x'.repeat(64 * 1024), headers: { 'transfer-encoding': 'chunked' } }),
    ],
  ])('are not reused after an oversized body (%s)', async (_name, behaviour) => {
    const server = await fixture.receiver();
    server.respond('/', behaviour);
    const { client: underTest } = fixture.client();

    for (let n = 0; n < 3; n += 1) {
      expect(await underTest.send(aRequest(server.url()))).toEqual(delivered(200));
    }

    expect(server.sockets.accepted).toBe(3);
    await server.sockets.allClosed();
  });

  it('are as many as the requests in flight', async () => {
    const server = await fixture.receiver();
    server.respond('/', kit.delay(200));
    const { client: underTest, wire } = fixture.client({ timeoutMs: 5_000 });

    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => underTest.send(aRequest(server.url()))),
    );

    expect(outcomes.every(({ kind }) => kind === 'delivered')).toBe(true);
    expect(server.sockets.accepted).toBe(100);
    await wire.close();
    await server.sockets.allClosed();
  });

  it('leave no pool of an origin that refused, closed its connection or hung', async () => {
    const server = await fixture.receiver();
    server.respond('/close', kit.status(200, { headers: { connection: 'close' } }));
    server.respond('/hang', kit.hang());
    const { client: underTest, wire } = fixture.client({ timeoutMs: 200 });
    const ports = await Promise.all(Array.from({ length: 20 }, () => kit.closedPort()));
    const urls = [
      ...ports.map((port) => `http://127.0.0.1:${port}/`),
      ...['/close', '/hang', '/hang', '/hang'].map((path) => server.url(path)),
    ];

    await Promise.all(urls.map((url) => underTest.send(aRequest(url))));
    await server.sockets.allClosed();
    await eventually(async () => expect(wire.origins).toBe(0));

    expect({ origins: wire.origins, connections: wire.connections }).toEqual({ origins: 0, connections: 0 });
  });
});

describe('interceptors of a host', () => {
  it('see and change the request, and see the response', async () => {
    const server = await fixture.receiver();
    server.respond('/', kit.status(404, { headers: { 'x-server': 'theirs' } }));
    const { client: underTest, http } = fixture.client();
    const seen: unknown[] = [];
    http.axiosRef.interceptors.request.use((config) => {
      config.headers.set('traceparent', '00-1-2-01');
      return config;
    });
    http.axiosRef.interceptors.response.use((response) => {
      seen.push(response.status, response.headers['x-server']);
      return response;
    });

    expect(await underTest.send(aRequest(server.url()))).toEqual(final(404));
    expect(server.requests[0]?.headers['traceparent']).toBe('00-1-2-01');
    expect(seen).toEqual([404, 'theirs']);
  });

  it('may not send the request to a forbidden address', async () => {
    const { client: underTest, http } = fixture.client();
    http.axiosRef.interceptors.request.use((config) => ({ ...config, url: 'https://10.0.0.1/' }));

    expect(await underTest.send(aRequest('https://example.org/'))).toEqual(finalError('address_not_allowed'));
  });

  it('that throw are a fault of this platform', async () => {
    const server = await fixture.receiver();
    const { client: underTest, http } = fixture.client();
    http.axiosRef.interceptors.request.use(() => {
      throw new Error('theirs');
    });

    await expect(underTest.send(aRequest(server.url()))).rejects.toThrow('theirs');
    expect(server.requests).toHaveLength(0);
  });

  it("that throw on an endpoint's failure do not hide it", async () => {
    const { client: underTest, http } = fixture.client();
    http.axiosRef.interceptors.response.use(undefined, () => {
      throw new Error('theirs');
    });

    const outcome = await underTest.send(aRequest(`http://127.0.0.1:${await kit.closedPort()}/`));

    expect(outcome).toEqual(retryableError('connection_refused'));
  });

  it('that never return are cut off at the deadline; an earlier response counts', async () => {
    const server = await fixture.receiver();
    const { client: underTest, http } = fixture.client({ timeoutMs: 200 });
    http.axiosRef.interceptors.response.use(() => new Promise(() => {}));

    expect(await underTest.send(aRequest(server.url()))).toEqual(delivered(200));
  });
});

/** Each in a TCP segment of its own, as far as the kernel allows it. */
async function writeInPieces(socket: Socket, text: string, length: number): Promise<void> {
  socket.setNoDelay(true);
  for (let at = 0; at < text.length; at += length) {
    socket.write(text.slice(at, at + length));
    await new Promise(setImmediate);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
