import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { MAIN_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { givenUpRows } from '../support/given-up.js';
import { eventually } from '../support/eventually.js';
import { held, type Held } from '../support/held.js';
import { testedBackend } from '../support/queue-backend.js';
import { queueOf } from '../support/queue-state.js';
import * as kit from '../support/receiver.js';
import { createNotification, sendReceipt } from '../support/scenario.js';
import { startTestService, type ApiResponse, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const API_TOKEN = `api-${randomBytes(12).toString('hex')}`;
const bearer = { authorization: `Bearer ${API_TOKEN}` };

/** What a secret looks like once it has been encoded: a dump shows binary columns in hex, a queue JSON in JSON. */
function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
}

/**
 * The whole path, with secrets and recipients of its own: a good endpoint, a failing, a refusing and a hanging
 * one, a replay, a rotation, bad input. Then everything this platform keeps or says is searched for them.
 */
describe('secrets are nowhere in clear', () => {
  const secrets = new Map<string, string>();
  const said: string[] = [];
  let database: TestDatabase;
  let receiver: kit.Receiver;
  let service: TestService;
  let standing: Held;
  let queues = '';

  /** Returns what it received, like a careless server's error page. */
  const echo: kit.Behaviour = ({ request, response }) => {
    const sent = receiver.requests.at(-1)?.body;
    response.writeHead(400).end(`${JSON.stringify(request.headers)} ${sent}`);
  };

  /** Remembers it as something that must not be found. */
  function secret(what: string): string {
    const value = `${what}-${randomBytes(9).toString('hex')}`;
    secrets.set(what, value);
    return value;
  }

  /** A caller that reads the notification gets the recipient: such a response is not kept. */
  async function call<Body>(method: string, path: string, body?: unknown): Promise<ApiResponse<Body>> {
    const result = await service.call<Body>(method, path, body, bearer);
    if (result.status >= 400) said.push(JSON.stringify(result.body));
    return result;
  }

  async function register(name: string, behaviour: kit.Scripted | kit.Scripted[]): Promise<string> {
    const serviceId = randomUUID();
    receiver.respond(`/${name}`, behaviour);
    const api = aCallbackApi({ url: receiver.url(`/${name}`), bearer_token: secret(`bearer-${name}`) });
    const path = `/service/${serviceId}/callback-api`;
    const { body } = await call<{ data: { id: string; signing_secret: string } }>('POST', path, api);
    secrets.set(`signing-${name}`, body.data.signing_secret.slice('whsec_'.length));
    const rotated = await call<{ data: { signing_secret: string } }>(
      'POST',
      `${path}/${body.data.id}/signing-secret/rotate`,
    );
    secrets.set(`rotated-${name}`, rotated.body.data.signing_secret.slice('whsec_'.length));
    said.push(JSON.stringify((await call('GET', path)).body));
    return serviceId;
  }

  const api = () => ({ url: service.url, call });

  async function cause(name: string, serviceId: string): Promise<string> {
    const to = `${secret(`to-${name}`)}@example.com`;
    const { id } = await createNotification(api(), serviceId, { to });
    const { callback } = await sendReceipt(api(), id);
    if (!callback.queued) throw new Error(callback.reason);
    return callback.id;
  }

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await kit.startReceiver();
    secrets.set('api-token', API_TOKEN);
    service = await startTestService(database.url, {
      API_TOKENS: API_TOKEN,
      CALLBACK_TIMEOUT_MS: '2000',
      CALLBACK_MAX_RETRIES: '1',
    });
    await playAll();
  }, 90_000);

  afterAll(async () => {
    standing.release();
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  async function playAll(): Promise<void> {
    const ends = [
      await cause('good', await register('good', 200)),
      await cause('failing', await register('failing', [500, 503])),
      await cause('refusing', await register('refusing', kit.status(410, { body: 'gone' }))),
      await cause('reset', await register('reset', kit.resetBeforeHeaders())),
      await cause('garbage', await register('garbage', kit.notHttp())),
    ];
    const echoing = await register('echoing', echo);
    ends.push(await cause('echoing', echoing));
    for (const id of ends) await service.logs.waitForEnd(id);
    await eventually(async () => {
      const log = await call('GET', `/service/${echoing}/callbacks/${ends.at(-1)}`);
      expect(JSON.stringify(log.body)).toContain('[…]');
      said.push(JSON.stringify(log.body));
    });

    const replayed = await register('replayed', [404, 200]);
    const id = await cause('replayed', replayed);
    await service.logs.waitForEnd(id);
    said.push(JSON.stringify((await call('GET', `/service/${replayed}/dead-letters/${id}`)).body));
    await call('POST', `/service/${replayed}/dead-letters/${id}/replay`);
    await service.logs.waitFor('callback.delivered', { callback_id: id });

    await badInput(replayed);
    // A callback whose job is in a queue during the dump.
    standing = held(kit.status(200));
    await cause('standing', await register('standing', standing.behaviour));
    await receiver.waitForRequests(1, { path: '/standing' });
    queues = await dumpOfQueues();
  }

  async function badInput(serviceId: string): Promise<void> {
    const path = `/service/${serviceId}/callback-api`;
    const token = secret('bearer-refused');
    await call('POST', path, aCallbackApi({ url: 'https://10.0.0.1/', bearer_token: token }));
    await call('POST', path, { ...aCallbackApi({ bearer_token: token }), bearer_token: [token], x: token });
    await call('POST', path, `{"bearer_token":"${token}"`);
    await call('POST', `/service/${serviceId}/notifications`, { to: secret('to-refused'), status: 'x' });
    await service.call('GET', path, undefined, { authorization: `Bearer ${secret('guessed')}` });
    const id = randomUUID();
    const unreadable = { callback_id: id, service_id: serviceId, document: 'x' };
    await queueOf(service, MAIN_QUEUE).add('delivery_status', unreadable);
    await service.logs.waitFor('callback.unreadable');
  }

  async function dumpOfQueues(): Promise<string> {
    if (testedBackend() === 'postgres') return dumpOf('bullmq');
    const queue = queueOf(service, MAIN_QUEUE);
    const redis = (await queue.backend.client) as unknown as Redis;
    const keys = await redis.keys('*');
    const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    // A dump in Redis' own format has its strings unchanged, and only strings matter here.
    return keys.join('\n') + dumps.map((dump) => dump?.toString('latin1') ?? '').join('\n');
  }

  /** Every row of every table of a schema. */
  async function dumpOf(schema: string): Promise<string> {
    const tables = await query<{ name: string }>(
      database.url,
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_schema = $1 AND table_type = 'BASE TABLE'`,
      [schema],
    );
    expect(tables.length).toBeGreaterThan(0);
    const rows = await Promise.all(
      tables.map(({ name }) => query<{ row: string }>(database.url, `SELECT t::text AS row FROM ${name} t`)),
    );
    return rows.flatMap((table) => table.map(({ row }) => row)).join('\n');
  }

  /** Which of the secrets the text contains. */
  function secretsIn(where: string): string[] {
    return [...secrets]
      .filter(([, value]) => spellings(value).some((text) => where.includes(text)))
      .map(([what]) => what);
  }

  it('in the log at level trace', () => {
    expect(service.logs.lines.length).toBeGreaterThan(20);
    expect(secretsIn(service.logs.lines.map((line) => JSON.stringify(line)).join('\n'))).toEqual([]);
  });

  it('in errors, lists and dead letters of the API', () => {
    expect(said.length).toBeGreaterThan(10);
    expect(secretsIn(said.join('\n'))).toEqual([]);
  });

  it('in metrics and the OpenAPI document', async () => {
    for (const path of ['/metrics', '/docs-json', '/health/ready']) {
      const { status, body } = await service.call('GET', path);
      expect(status).toBe(200);
      expect(secretsIn(JSON.stringify(body))).toEqual([]);
    }
  });

  it('in the queues, with a job in them', () => {
    expect(queues).toContain('delivery_status');
    expect(secretsIn(queues)).toEqual([]);
  });

  it('in the tables, except recipients in the notifications', async () => {
    const tables = await dumpOf('public');
    const givenUp = await givenUpRows(database.url);
    expect(givenUp.length).toBeGreaterThan(3);
    // The search works: it finds a recipient that must be there.
    expect(tables).toContain(secrets.get('to-good'));
    expect(secretsIn(tables).filter((what) => !what.startsWith('to-'))).toEqual([]);
    for (const table of [
      'service_callbacks',
      'service_callback_payloads',
      'service_callback_news',
      'service_callback_apis',
      'service_callback_endpoint_health',
      'service_callback_processes',
    ]) {
      expect(secretsIn(JSON.stringify(await query(database.url, `SELECT * FROM ${table}`)))).toEqual([]);
    }
  });
});
