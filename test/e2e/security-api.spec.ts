import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import {
  API_SCOPES,
  generateApiToken,
  tokenDigest,
  type ApiScope,
} from '../../src/http/api-tokens/api-token.js';
import { ApiTokenRepository } from '../../src/http/api-tokens/api-token.repository.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startTestService, type ApiResponse, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const ADMIN = 'the-platform';
const OURS = randomUUID();
const THEIRS = randomUUID();
const OUR_TOKEN = generateApiToken();
const THEIR_TOKEN = generateApiToken();

/** What needs no token, and no other does. */
const PUBLIC = ['GET /health/live', 'GET /health/ready', 'GET /metrics'];

interface Route {
  readonly method: string;
  /** As OpenAPI writes it, `/service/{service_id}`. */
  readonly template: string;
}

const nameOf = ({ method, template }: Route) => `${method} ${template}`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const withError = (status: number) => ({
  status,
  body: {
    status_code: status,
    errors: expect.arrayContaining([{ error: expect.any(String), message: expect.any(String) }]),
  },
});

describe('the REST API', () => {
  let database: TestDatabase;
  let service: TestService;
  let routes: readonly Route[];
  /** A row of ours behind each `{id}`, by the path in front of it. */
  let rows: Readonly<Record<string, string>>;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, {
      API_TOKENS: [ADMIN, `${OUR_TOKEN}@${OURS}`, `${THEIR_TOKEN}@${THEIRS}:${API_SCOPES.join('+')}`].join(),
    });
    routes = await routesOf(service);
    rows = {
      '/service/{service_id}/callback-api/{id}': await ourCallbackApi(),
      '/service/{service_id}/dead-letters/{id}': await ourDeadLetter(),
      '/service/{service_id}/callbacks/{id}': await ourDeadLetter(),
      '/service/{service_id}/replays/{id}': await ourReplay(),
      '/notifications/{id}': await ourNotification(),
    };
  });

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  async function ourCallbackApi(): Promise<string> {
    const response = await service.call<{ data: { id: string } }>(
      'POST',
      `/service/${OURS}/callback-api`,
      aCallbackApi({ url: 'http://127.0.0.1:9/' }),
      bearer(OUR_TOKEN),
    );
    expect(response.status).toBe(201);
    return response.body.data.id;
  }

  async function ourNotification(): Promise<string> {
    const notification = {
      notification_type: 'email',
      to: 'a@example.com',
      template_id: randomUUID(),
      template_version: 1,
    };
    const path = `/service/${OURS}/notifications`;
    const response = await service.call<{ data: { id: string } }>(
      'POST',
      path,
      notification,
      bearer(OUR_TOKEN),
    );
    expect(response.status).toBe(201);
    return response.body.data.id;
  }

  async function ourDeadLetter(): Promise<string> {
    const id = randomUUID();
    await query(
      database.url,
      `INSERT INTO service_callbacks (id, service_id, callback_type, subject_id, state, reason, priority,
         generation_at, queued_at, changed_at, finished_at)
       VALUES ($1, $2, 'delivery_status', $3, 'given_up', 'not_retried', 1, now(), now(), now(), now())`,
      [id, OURS, randomUUID()],
    );
    return id;
  }

  async function ourReplay(): Promise<string> {
    const id = randomUUID();
    await query(
      database.url,
      `INSERT INTO service_callback_replays (id, service_id, total, requested_at) VALUES ($1, $2, 1, now())`,
      [id, OURS],
    );
    return id;
  }

  /** A valid body for the route: a handler checks the body before it checks whose row it is. */
  const bodyFor = ({ template }: Route) =>
    template.endsWith('/receipts') ? { status: 'delivered' } : { updated_by_id: randomUUID() };

  function send(route: Route, headers: Record<string, string>): Promise<ApiResponse> {
    const { method, template } = route;
    const row = Object.entries(rows).find(([prefix]) => template.startsWith(prefix));
    const path = template.replace('{service_id}', OURS).replace('{id}', row?.[1] ?? '');
    return service.call(
      method,
      path,
      method === 'GET' || method === 'DELETE' ? undefined : bodyFor(route),
      headers,
    );
  }

  const guarded = () => routes.filter((route) => !PUBLIC.includes(nameOf(route)));

  /** Calls all of them. @returns name and status of each. */
  async function statuses(
    of: readonly Route[],
    headers: Record<string, string>,
  ): Promise<[string, number][]> {
    const found: [string, number][] = [];
    for (const route of of) found.push([nameOf(route), (await send(route, headers)).status]);
    return found;
  }

  it('describes every route in OpenAPI, and this test has a row for every {id}', () => {
    expect(routes.map(nameOf)).toEqual(
      expect.arrayContaining([
        ...PUBLIC,
        'POST /notifications/{id}/receipts',
        'GET /service/{service_id}/callback-api',
      ]),
    );
    // A new route with an id of another kind: give it a row of ours in `rows`, and it is covered.
    const strangers = routes.filter(
      ({ template }) =>
        /\{(?!service_id\})/.test(template) &&
        !Object.keys(rows).some((prefix) => template.startsWith(prefix)),
    );
    expect(strangers).toEqual([]);
  });

  it('opens only the public routes without a token', async () => {
    for (const [name, status] of await statuses(routes, {})) {
      expect([name, status]).toEqual([name, PUBLIC.includes(name) ? 200 : 401]);
    }
  });

  it.each(['Bearer nobody', `Basic ${ADMIN}`, 'Bearer', `Bearer ${ADMIN} ${ADMIN}`, ADMIN])(
    'is closed to Authorization: %s',
    async (authorization) => {
      for (const [name, status] of await statuses(guarded(), { authorization })) {
        expect([name, status]).toEqual([name, 401]);
      }
    },
  );

  it('shows a service nothing of another, on any route', async () => {
    const before = await everything(database);
    for (const [name, status] of await statuses(guarded(), bearer(THEIR_TOKEN))) {
      expect([name, [403, 404].includes(status)]).toEqual([name, true]);
    }
    expect(await everything(database)).toEqual(before);
  });

  it('responds alike to a record of another service and to one that does not exist', async () => {
    const receipt = (id: string) =>
      service.call('POST', `/notifications/${id}/receipts`, { status: 'delivered' }, bearer(THEIR_TOKEN));
    const theirs = rows['/notifications/{id}'] ?? '';
    const nobodys = randomUUID();

    const [foreign, unknown] = [await receipt(theirs), await receipt(nobodys)];

    expect(foreign).toMatchObject(withError(404));
    expect(JSON.stringify(foreign.body)).toBe(JSON.stringify(unknown.body).replace(nobodys, theirs));
  });

  it('lets a token do only what its scopes allow', async () => {
    const tokens = new ApiTokenRepository(service.app.get(DataSource));
    for (const scope of API_SCOPES) {
      const token = generateApiToken();
      await tokens.add({ name: scope, digest: tokenDigest(token), scopes: [scope] });
      for (const [name, status] of await statuses(guarded(), bearer(token))) {
        expect([name, status === 403]).toEqual([name, scopeOf(name) !== scope]);
      }
    }
  });

  it('accepts a token of the database until it is revoked', async () => {
    const tokens = new ApiTokenRepository(service.app.get(DataSource));
    const token = generateApiToken();
    const { id } = await tokens.add({
      name: 'theirs',
      digest: tokenDigest(token),
      scopes: ['callbacks:read'],
      serviceId: THEIRS,
    });
    const list = (serviceId: string) =>
      service.call('GET', `/service/${serviceId}/callback-api`, undefined, bearer(token));

    expect(await list(THEIRS)).toMatchObject({ status: 200, body: { data: [] } });
    const messages = [{ error: 'NotFoundError', message: 'The bearer token is for another service' }];
    for (const another of [OURS, randomUUID()]) {
      expect(await list(another)).toMatchObject({ status: 404, body: { errors: messages } });
    }
    const stored = await query(database.url, 'SELECT * FROM service_callback_api_tokens');
    expect(JSON.stringify(stored)).not.toContain(token);

    expect(await tokens.revoke(id)).toBe(true);
    expect(await list(THEIRS)).toMatchObject(withError(401));
  });

  it('does not reveal its software', async () => {
    for (const path of ['/docs', '/docs-json', '/health/live', `/service/${OURS}/callback-api`, '/nowhere']) {
      const { headers } = await service.call('GET', path);
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('server')).toBeNull();
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    }
  });

  it('serves a page at /docs that works under its own policy', async () => {
    const { status, body } = await service.call<string>('GET', '/docs');
    expect(status).toBe(200);
    const scripts = body.match(/<script[^>]*>/g) ?? [];
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) expect(script).toMatch(/src="\.?\/?[\w./-]+"/);
  });

  it.each<[string, string, string, string | undefined, number]>([
    ['a body that is not JSON', 'POST', '/service/ID/callback-api', '{"url":', 400],
    ['a body that is too large', 'POST', '/service/ID/callback-api', `"${'x'.repeat(70_000)}"`, 413],
    ['a path that cannot be decoded', 'GET', '/service/%E0%A4%A/callback-api', undefined, 400],
    ['a path that names nothing', 'GET', '/nowhere', undefined, 404],
    ['an id that is none', 'GET', "/service/',--/callback-api", undefined, 404],
    ['a method there is not', 'PUT', '/service/ID/callback-api', '{}', 405],
  ])('responds to %s in the one error shape, without a stack', async (_name, method, path, body, status) => {
    const response = await service.call(method, path.replace('ID', OURS), body, bearer(ADMIN));

    expect(response).toMatchObject(withError(status));
    expect(JSON.stringify(response.body)).not.toMatch(/node_modules|\.js|\.ts| at /);
  });
});

describe('API_RATE_LIMIT', () => {
  it('counts for each known token, otherwise for each address; health and metrics are exempt', async () => {
    const database = await createTestDatabase();
    const service = await startTestService(database.url, { API_TOKENS: 'one,two', API_RATE_LIMIT: '5' });
    const path = `/service/${randomUUID()}/callback-api`;
    const send = (token: string) => service.call('GET', path, undefined, bearer(token));
    try {
      for (let n = 0; n < 5; n += 1) expect((await send('one')).status).toBe(200);
      const limited = await send('one');
      expect(limited).toMatchObject(withError(429));
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);

      expect((await send('two')).status).toBe(200);
      const guesses = [];
      for (let n = 0; n < 7; n += 1) {
        // The address that a caller claims to have is ignored.
        const claimed = { ...bearer(`guess-${n}`), 'x-forwarded-for': `192.0.2.${n}` };
        guesses.push((await service.call('GET', path, undefined, claimed)).status);
      }
      expect(guesses).toEqual([401, 401, 401, 401, 401, 429, 429]);
      for (let n = 0; n < 10; n += 1) {
        expect((await service.call('GET', '/health/live')).status).toBe(200);
        expect((await service.call('GET', '/metrics')).status).toBe(200);
      }
    } finally {
      await service.stop();
      await database.drop();
    }
  });
});

describe('TRUSTED_PROXIES', () => {
  it('name the client of a request', async () => {
    const database = await createTestDatabase();
    const service = await startTestService(database.url, {
      API_TOKENS: 'one',
      API_RATE_LIMIT: '2',
      TRUSTED_PROXIES: '127.0.0.0/8',
    });
    const guess = async (from: string) => {
      const headers = { ...bearer(`guess-from-${from}`), 'x-forwarded-for': `203.0.113.9, ${from}` };
      return (await service.call('GET', `/service/${randomUUID()}/callback-api`, undefined, headers)).status;
    };
    try {
      // Some proxies append the port of the connection: another port is the same address.
      const callers = ['192.0.2.1', '192.0.2.2', '[2001:db8::1]'];
      for (const from of callers)
        expect([await guess(from), await guess(`${from}:4711`), await guess(`${from}:4712`)]).toEqual([
          401, 401, 429,
        ]);
    } finally {
      await service.stop();
      await database.drop();
    }
  });
});

/** The contract: reading needs callbacks:read, and so on. A route that is not listed needs every scope. */
function scopeOf(route: string): ApiScope | undefined {
  const scopes: readonly (readonly [RegExp, ApiScope])[] = [
    [/^POST .*\/(notifications|receipts)$/, 'receipts:write'],
    [/^GET .*\/(callback-api|callbacks|dead-letters|replays)(\/\{id\})?$/, 'callbacks:read'],
    [/^GET .*\/callback-api\/\{id\}\/health$/, 'callbacks:read'],
    [/^(POST|DELETE) .*\/callback-api\b/, 'callbacks:write'],
    [/^(POST|DELETE) .*\/(dead-letters|callbacks|replays)\b/, 'dead-letters:replay'],
  ];
  return scopes.find(([pattern]) => pattern.test(route))?.[1];
}

async function routesOf(service: TestService): Promise<Route[]> {
  const { body } = await service.call<{ paths: Record<string, Record<string, unknown>> }>(
    'GET',
    '/docs-json',
  );
  return Object.entries(body.paths).flatMap(([template, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), template })),
  );
}

/** Everything that a caller could have changed. */
async function everything({ url }: TestDatabase): Promise<unknown> {
  return Promise.all(
    ['service_callback_apis', 'service_callbacks', 'service_callback_replays', 'notifications'].map((table) =>
      query(url, `SELECT * FROM ${table} ORDER BY id`),
    ),
  );
}
