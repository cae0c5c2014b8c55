import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  closedPort,
  hang,
  redirect,
  startReceiver,
  startTcpServer,
  status,
  type Receiver,
} from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';
import { expired, selfSigned, wrongHost } from '../support/tls/credentials.js';

interface TestView {
  readonly id: string;
  readonly outcome: string;
  readonly status_code: number | null;
  readonly error: string | null;
  readonly duration_ms: number;
  readonly address: string | null;
  readonly tls: { readonly protocol: string | null; readonly certificate: Record<string, string> } | null;
  readonly location: string | null;
  readonly excerpt: string | null;
  readonly hint: string;
}

interface Registered {
  readonly id: string;
  readonly serviceId: string;
  readonly secret: string;
}

describe('a test callback', () => {
  let database: TestDatabase;
  let directory: string;
  let receiver: Receiver;
  let secure: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-ca-'));
    const caFile = join(directory, 'ca.pem');
    await writeFile(caFile, [selfSigned.cert, expired.cert, wrongHost.cert].join('\n'));
    receiver = await startReceiver();
    secure = await startReceiver({ tls: selfSigned });
    service = await startTestService(database.url, {
      // The process that serves the API sends it, not a worker.
      PROCESS_ROLE: 'api',
      CALLBACK_EXTRA_CA_FILE: caFile,
      CALLBACK_TIMEOUT_MS: '1500',
    });
  });

  afterAll(async () => {
    await service.stop();
    await Promise.all([receiver.close(), secure.close()]);
    await rm(directory, { recursive: true });
    await database.drop();
  });

  async function register(url: string, type = 'delivery_status'): Promise<Registered> {
    const serviceId = randomUUID();
    const response = await service.call<{ data: { id: string; signing_secret: string } }>(
      'POST',
      `/service/${serviceId}/callback-api`,
      aCallbackApi({ url, callback_type: type }),
    );
    expect(response.status).toBe(201);
    return { id: response.body.data.id, serviceId, secret: response.body.data.signing_secret };
  }

  const send = ({ serviceId, id }: Registered) =>
    service.call<{ data: TestView }>('POST', `/service/${serviceId}/callback-api/${id}/test`);
  const test = async (url: string) => (await send(await register(url))).body.data;

  it('is marked and signed, has its own id, and reports the result', async () => {
    receiver.respond('/ok', status(202, { body: 'thank you\u0007' }));
    const api = await register(receiver.url('/ok'));
    const { status: code, body } = await send(api);
    expect(code).toBe(200);
    const [request] = await receiver.waitForRequests(1, { path: '/ok' });
    expect(request?.headers).toMatchObject({
      'webhook-id': body.data.id,
      'webhook-test': 'true',
      authorization: 'Bearer a-bearer-token-of-the-service',
    });
    const verified = new Webhook(api.secret).verify(
      request?.body ?? '',
      request?.headers as Record<string, string>,
    );
    expect(Object.keys(verified as object)).toEqual([
      'id',
      'reference',
      'to',
      'status',
      'created_at',
      'completed_at',
      'sent_at',
      'notification_type',
      'template_id',
      'template_version',
      'test',
    ]);
    expect(verified).toMatchObject({
      test: true,
      reference: 'test-callback',
      to: 'test-callback@example.com',
    });
    expect(body.data).toMatchObject({
      outcome: 'delivered',
      status_code: 202,
      error: null,
      address: `127.0.0.1:${receiver.port}`,
      tls: null,
      excerpt: 'thank you\uFFFD',
      hint: expect.stringMatching(/^your server accepted it with 202, after \d+ ms$/),
    });
  });

  it.each(['complaint', 'inbound_sms', 'returned_letter', 'endpoint_alert'])(
    'of the type %s has a payload of that type',
    async (type) => {
      const path = `/type/${type}`;
      await send(await register(receiver.url(path), type));
      const [request] = await receiver.waitForRequests(1, { path });
      const document = JSON.parse(request?.body ?? '') as object;
      expect(document).toMatchObject({ test: true });
      expect(Object.keys(document).length).toBeGreaterThan(3);
    },
  );

  it('reports TLS: the protocol, and the owner and the end of the certificate', async () => {
    expect(await test(secure.url('/'))).toMatchObject({
      outcome: 'delivered',
      tls: {
        protocol: 'TLSv1.3',
        certificate: { subject: expect.stringContaining('CN='), valid_to: expect.stringMatching(/^21\d\d-/) },
      },
    });
  });

  it('shows where a redirect leads, and says that callbacks do not follow it', async () => {
    receiver.respond(
      '/moved',
      redirect(301, 'https://www.example.com/new?token=a-bearer-token-of-the-service'),
    );
    const response = await test(receiver.url('/moved'));
    expect(response).toMatchObject({ outcome: 'final', status_code: 301 });
    expect(response.hint).toMatch(
      /^your server redirects to https:\/\/www\.example\.com\/new\?token=\[…\] \(301\); callbacks do not follow redirects/,
    );
    expect(JSON.stringify(response)).not.toContain('a-bearer-token');
  });

  it('shows the beginning of a response, with the token masked', async () => {
    const body = `{"error":"bad token a-bearer-token-of-the-service"}${' '.repeat(3_000)}`;
    receiver.respond('/refuses', status(401, { body }));
    const response = await test(receiver.url('/refuses'));
    expect(response.excerpt).toBe('{"error":"bad token […]"}');
    expect(response.hint).toMatch(/bearer token/);
  });

  it('names the address that refused the connection', async () => {
    const port = await closedPort();
    expect(await test(`http://127.0.0.1:${port}/`)).toMatchObject({
      error: 'connection_refused',
      address: `127.0.0.1:${port}`,
      hint: `connection refused by 127.0.0.1:${port}: is the server listening?`,
    });
  });

  it('says that a server does not respond, after the deadline', async () => {
    receiver.respond('/hangs', hang());
    const response = await test(receiver.url('/hangs'));
    expect(response).toMatchObject({ error: 'timeout', outcome: 'retryable' });
    expect(response.hint).toBe(
      `127.0.0.1:${receiver.port} did not respond within 1500 ms: reply at once, do the work afterwards`,
    );
    expect(response.duration_ms).toBeGreaterThanOrEqual(1_400);
  });

  it.each([
    ['that has expired', expired, 'tls_certificate_expired', /expired on 2020-01-02T/],
    ['of another host', wrongHost, 'tls_certificate_wrong_host', /it is for .*elsewhere\.example/],
  ] as const)('shows a certificate %s', async (_, tls, error, hint) => {
    const server = await startReceiver({ tls });
    try {
      const response = await test(server.url('/'));
      expect(response).toMatchObject({
        error,
        address: `127.0.0.1:${server.port}`,
        tls: { protocol: null, certificate: { subject: expect.stringContaining('CN=') } },
      });
      expect(response.hint).toMatch(hint);
      // The certificate was read without a request.
      expect(server.requests).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('says that a server does not speak HTTP', async () => {
    const server = await startTcpServer({ onData: (socket) => socket.end('hello\r\n') });
    try {
      expect(await test(`http://127.0.0.1:${server.port}/`)).toMatchObject({
        error: 'invalid_response',
        hint: expect.stringMatching(/not HTTP/),
      });
    } finally {
      await server.close();
    }
  });

  it('says that a name has no address, and shows no more of a private one', async () => {
    expect(await test('https://does-not-exist.invalid/')).toMatchObject({
      error: 'dns_failure',
      address: null,
      hint: expect.stringMatching(/^does-not-exist\.invalid has no address/),
    });
  });

  it('is limited to ten a minute for each callback API', async () => {
    const api = await register(receiver.url('/often'));
    for (let sent = 0; sent < 10; sent += 1) expect((await send(api)).status).toBe(200);
    const limited = await send(api);
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(limited.body).toMatchObject({ errors: [{ error: 'RateLimitError' }] });
    expect(receiver.requests.filter(({ path }) => path === '/often')).toHaveLength(10);
    expect((await send(await register(receiver.url('/rarely')))).status).toBe(200);
  });

  it('is also sent to a disabled endpoint, which stays disabled', async () => {
    const api = await register(receiver.url('/asleep'));
    const path = `/service/${api.serviceId}/callback-api/${api.id}`;
    await service.call('POST', `${path}/disable`);
    expect((await send(api)).body.data).toMatchObject({ outcome: 'delivered' });
    expect(await service.call('GET', `${path}/health`)).toMatchObject({
      body: { data: { status: 'disabled', last_success_at: null } },
    });
  });

  it('logs no error', () => {
    expect(service.logs.errors()).toEqual([]);
  });
});
