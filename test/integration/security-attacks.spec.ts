import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeDeadLetterCursor } from '../../src/service-callbacks/history/list-cursor.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { causeCallback, createNotification, registerCallbackApi, sendReceipt } from '../support/scenario.js';
import { startTestService, type ApiResponse, type RestApi, type TestService } from '../support/service.js';

const ADMIN = 'the-platform-token';
const OURS = randomUUID();
const THEIRS = randomUUID();
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** What a caller of the API could try beside the address rules, and that it changes nothing. */
describe('an attacker with a token of the API', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let admin: RestApi;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      API_TOKENS: `${ADMIN},our-token@${OURS},their-token@${THEIRS}`,
    });
    admin = as(ADMIN);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  /** No attack here may cause a fault of this platform. */
  function as(token: string): RestApi {
    return {
      url: service.url,
      call: async <Body>(
        method: string,
        path: string,
        body?: unknown,
        headers: Readonly<Record<string, string>> = {},
      ): Promise<ApiResponse<Body>> => {
        const result = await service.call<Body>(method, path, body, { ...bearer(token), ...headers });
        expect([path, JSON.stringify(body)?.slice(0, 200), result.status < 500]).toEqual([
          path,
          JSON.stringify(body)?.slice(0, 200),
          true,
        ]);
        return result;
      },
    };
  }

  const register = (overrides: Record<string, unknown>, serviceId: string = randomUUID()) =>
    admin.call<{ errors?: { message: string }[] }>('POST', `/service/${serviceId}/callback-api`, {
      ...aCallbackApi({ url: receiver.url('/hook') }),
      ...overrides,
    });

  async function aDeadLetterOf(serviceId: string): Promise<{ id: string; given_up_at: string }> {
    receiver.respond('/gone', 410);
    await registerCallbackApi(admin, { serviceId, url: receiver.url('/gone') });
    const { id } = await causeCallback(admin, serviceId);
    await service.logs.waitForEnd(id);
    return { id, given_up_at: new Date().toISOString() };
  }

  it('finds nothing of another service with the other’s cursor or ids', async () => {
    const ours = await aDeadLetterOf(OURS);
    await aDeadLetterOf(THEIRS);
    const cursor = encodeDeadLetterCursor({ givenUpAt: new Date(Date.now() + 60_000), id: ours.id });
    const page = await as('their-token').call<{ data: { service_id: string }[] }>(
      'GET',
      `/service/${THEIRS}/dead-letters?cursor=${cursor}`,
    );
    expect(page.status).toBe(200);
    expect(page.body.data.map(({ service_id }) => service_id)).toEqual([THEIRS]);

    // Its own service in the path, the other's id behind it.
    for (const [method, path] of [
      ['GET', `/service/${THEIRS}/dead-letters/${ours.id}`],
      ['POST', `/service/${THEIRS}/dead-letters/${ours.id}/replay`],
      ['DELETE', `/service/${THEIRS}/dead-letters/${ours.id}`],
    ] as const) {
      expect([path, (await as('their-token').call(method, path)).status]).toEqual([path, 404]);
    }
  });

  it.each([
    'AAAA',
    '%00',
    'null',
    '../../etc/passwd',
    encode([]),
    encode(['0000-01-01T00:00:00.000Z', randomUUID()]),
    encode(['9999-12-31T23:59:59.999Z', randomUUID()]),
    encode(['2026-02-30T00:00:00.000Z', randomUUID()]),
    encode(["2026-01-01T00:00:00.000Z'; DROP TABLE notifications; --", randomUUID()]),
    encode({ __proto__: [] }),
    'A'.repeat(10_000),
  ])('cannot break a page by the cursor %.40s', async (cursor) => {
    const { status } = await as('our-token').call('GET', `/service/${OURS}/dead-letters?cursor=${cursor}`);
    expect([200, 400]).toContain(status);
  });

  it.each([
    'limit=1e400',
    'limit=-1',
    'limit=NaN',
    'limit=9007199254740993',
    'limit=1&limit=2',
    'limit[]=1',
    'limit[__proto__][x]=1',
    '__proto__[polluted]=yes',
    'constructor[prototype][polluted]=yes',
    'since=0000-01-01T00:00:00Z',
    'since=9999-12-31T23:59:59-23:59',
    'since=2026-02-30T00:00:00Z',
    'since=%00',
    'reason=%00',
    'reason=__proto__',
    `since=${'1'.repeat(10_000)}`,
    'callback_api_id=%F0%9F%92%A9',
    'cursor=%ED%A0%80',
  ])('cannot break a page by ?%.40s', async (search) => {
    const startedAt = performance.now();
    const { status } = await as('our-token').call('GET', `/service/${OURS}/dead-letters?${search}`);
    expect([200, 400]).toContain(status);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it.each<[string, unknown]>([
    ['__proto__', `{"__proto__":{"polluted":"yes"},"callback_type":"delivery_status"}`],
    ['constructor', { constructor: { prototype: { polluted: 'yes' } } }],
    ['nothing but nesting', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['nested objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['a number', '1e999999'],
    ['null', 'null'],
    ['a duplicate key', '{"url":"https://example.org/","url":"https://10.0.0.1/"}'],
  ])('gets an error for a body that is no callback API: %s', async (_name, body) => {
    const result = await admin.call('POST', `/service/${randomUUID()}/callback-api`, body);
    expect(result.status).toBe(400);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>]>([
    ['CR LF in the token', { bearer_token: 'a-bearer-token\r\nx-injected: 1' }],
    ['LF in the token', { bearer_token: 'a-bearer-token\nx-injected: 1' }],
    ['NUL in the token', { bearer_token: 'a-bearer-token\0' }],
    ['a token in other letters', { bearer_token: 'ａ-bearer-token' }],
    ['a token that is an object', { bearer_token: { toString: 'x' } }],
    ['a token of a megabyte', { bearer_token: 'x'.repeat(40_000) }],
    ['CR LF in the URL', { url: 'https://example.org/\r\nx-injected: 1' }],
    ['NUL in the URL', { url: 'https://example.org/\0' }],
    ['a control sequence in the URL', { url: 'https://example.org/\u009b31m' }],
    ['a right-to-left override in the URL', { url: 'https://example.org/\u202egro.live//:sptth' }],
    ['a zero-width space in the URL', { url: 'https://exam\u200bple.org/' }],
    ['a soft hyphen in the URL', { url: 'https://127.0.0.\u00ad1/' }],
    ['half a character in the URL', { url: 'https://example.org/\ud800' }],
    ['a URL that is a list', { url: ['https://example.org/'] }],
    ['a long URL', { url: `https://example.org/${'a'.repeat(3_000)}` }],
    ['NUL in the type', { callback_type: 'delivery_status\0' }],
    ['a type of the prototype', { callback_type: '__proto__' }],
    ['a type of the prototype, a method', { callback_type: 'constructor' }],
    ['NUL in the id', { updated_by_id: '\0' }],
  ])('cannot register %s', async (_name, overrides) => {
    expect((await register(overrides)).status).toBe(400);
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['NUL in the recipient', { to: 'a\0b' }, 400],
    ['half a character in the recipient', { to: 'a\ud800b' }, 201],
    ['everything in the recipient', { to: '\u0001\u001b[2J\u202e\u2028💩' }, 201],
    ['NUL in the reference', { reference: '\0' }, 400],
    ['a version beyond integers', { template_version: 1e300 }, 400],
    ['a version beyond the column', { template_version: 2_147_483_648 }, 400],
    ['a date beyond dates', { sent_at: '9999-12-31T23:59:59-23:59' }, 201],
    ['a date before dates', { sent_at: '0000-01-01T00:00:00Z' }, 201],
    ['a date there is not', { sent_at: '2026-02-30T00:00:00Z' }, 400],
    ['a status of the prototype', { status: '__proto__' }, 400],
  ])('sends a notification with %s', async (_name, overrides, status) => {
    const result = await admin.call('POST', `/service/${randomUUID()}/notifications`, {
      notification_type: 'email',
      to: 'a@example.com',
      template_id: randomUUID(),
      template_version: 1,
      ...overrides,
    });
    expect(result.status).toBe(status);
  });

  it('gets any text delivered unchanged, with one line of the log for each event', async () => {
    const { serviceId } = await registerCallbackApi(admin, { url: receiver.url('/any-text') });
    const to = '"}\n{"level":60,"event":"forged"}\u2028\u001b[2J\ud83d\udca9';
    const { id } = await createNotification(admin, serviceId, { to, reference: '__proto__' });
    const { callback } = await sendReceipt(admin, id, { status: 'delivered', sent_by: to });
    if (!callback.queued) throw new Error(callback.reason);
    await service.logs.waitForEnd(callback.id);

    const [request] = await receiver.waitForRequests(1, { path: '/any-text' });
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ to });
    expect(service.logs.lines.filter(({ event }) => event === 'forged')).toEqual([]);
  });

  it('cannot forge a line of the log by the path or a header', async () => {
    await admin.call('GET', '/nowhere%0A%7B%22event%22:%22forged%22%7D%0A', undefined, {
      'user-agent': '{"event":"forged"}',
      'x-request-id': '"}{"event":"forged"}',
    });
    expect(service.logs.lines.filter(({ event }) => event === 'forged')).toEqual([]);
  });

  it('cannot fill the memory with a body that is small until it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '));
    const response = await fetch(`${service.url}/service/${randomUUID()}/callback-api`, {
      method: 'POST',
      headers: { ...bearer(ADMIN), 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: new Uint8Array(bomb),
    });
    expect([413, 415]).toContain(response.status);
  });

  it.each([
    ['spaces', `Bearer ${' '.repeat(12_000)}\u0080`],
    ['a long token', `Bearer ${'a'.repeat(12_000)}\u0080`],
    ['many words', `Bearer ${'a '.repeat(6_000)}`],
  ])('cannot keep the guard busy with %s', async (_name, authorization) => {
    const startedAt = performance.now();
    const { status } = await service.call('GET', `/service/${OURS}/callback-api`, undefined, {
      authorization,
    });
    expect(status).toBe(401);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('cannot become another caller by a header', async () => {
    const headers = {
      'x-http-method-override': 'DELETE',
      'x-forwarded-for': '127.0.0.1',
      'x-original-url': '/metrics',
    };
    expect((await service.call('GET', `/service/${OURS}/callback-api`, undefined, headers)).status).toBe(401);
  });
});

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
