import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrateDatabase } from '../../src/migrate-database.js';
import { MIGRATION_LOCK } from '../../src/service-callbacks/setup/migrate.js';
import { ApiTokenRepository } from '../../src/http/api-tokens/api-token.repository.js';
import { tokenDigest } from '../../src/http/api-tokens/api-token.js';
import { EndpointStateRepository } from '../../src/service-callbacks/endpoints/endpoint-state.repository.js';
import { EndpointSwitch } from '../../src/service-callbacks/endpoint-health/endpoint-switch.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver } from '../support/receiver.js';
import { createNotification, registerCallbackApi, sendCallbackTo, sendReceipt } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';
import { readEverythingAsText } from '../support/type-parsers.js';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const URL_OF_SERVICE = 'http://127.0.0.1/callbacks';

/** What `ALTER DATABASE … SET` may have made the default of every connection. */
const SETTINGS: readonly (readonly [name: string, value: string, receiptsAtOnce?: number])[] = [
  ['default_transaction_isolation', 'serializable', 120],
  ['default_transaction_isolation', '"repeatable read"'],
  ['DateStyle', 'German'],
  ['DateStyle', '"SQL, DMY"'],
  ['IntervalStyle', 'sql_standard'],
  ['TimeZone', '"Asia/Kathmandu"'],
  ['bytea_output', 'escape'],
  ['extra_float_digits', '-15'],
  ['standard_conforming_strings', 'off'],
  ['search_path', 'app, public'],
  ['statement_timeout', "'5s'"],
  ['idle_in_transaction_session_timeout', "'200ms'"],
];

describe.each(SETTINGS)('with %s = %s', (name, value, receiptsAtOnce = 10) => {
  behavesAsEver(async (url) => {
    if (name === 'search_path') await query(url, 'CREATE SCHEMA app');
    await setDefault(url, name, value);
    return () => undefined;
  }, receiptsAtOnce);
});

describe('with timeouts that are reached', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createEmptyDatabase();
  });

  afterEach(() => database.drop());

  it('responds with 503 to a receipt that waits for longer than statement_timeout', async () => {
    await setDefault(database.url, 'statement_timeout', "'1s'");
    const service = await startTestService(database.url, { PROCESS_ROLE: 'api' });
    const blocker = new Client({ connectionString: database.url });
    await blocker.connect();
    try {
      const { id } = await createNotification(service, randomUUID());
      await blocker.query('BEGIN');
      await blocker.query('SELECT FROM notifications WHERE id = $1 FOR UPDATE', [id]);
      const response = await service.call('POST', `/notifications/${id}/receipts`, { status: 'delivered' });
      expect(response.status).toBe(503);
    } finally {
      await blocker.end();
      await service.stop();
    }
  });

  it('waits for another migration for longer than statement_timeout and lock_timeout', async () => {
    await setDefault(database.url, 'statement_timeout', "'1s'");
    await setDefault(database.url, 'lock_timeout', "'500ms'");
    const other = new Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query('BEGIN; SET LOCAL statement_timeout = 0');
      await other.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      const migration = migrateDatabase(database.url);
      await other.query('SELECT pg_sleep(1.5)');
      await other.query('COMMIT');
      await expect(migration).resolves.toContain('Callbacks1764000000002');
    } finally {
      await other.end();
    }
  });

  it.each(["''", 'nowhere'])('names a search_path of %s, in which no table can be created', async (path) => {
    await setDefault(database.url, 'search_path', path);
    await expect(migrateDatabase(database.url)).rejects.toThrow(/search_path \((""|nowhere)\) exists/);
  });
});

describe('with options in the URL', () => {
  it('keeps the search path of the queue', async () => {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    url.searchParams.set('options', '-c statement_timeout=7s');
    const service = await startTestService(url.href);
    const receiver = await startReceiver();
    try {
      const { id } = await sendCallbackTo(service, receiver.url('/options'));
      await service.logs.waitFor('callback.delivered', { callback_id: id });
      expect(service.logs.errors()).toEqual([]);
    } finally {
      await service.stop();
      await receiver.close();
      await database.drop();
    }
  });
});

describe('with type parsers of pg that return only text', () => {
  behavesAsEver(() => Promise.resolve(readEverythingAsText()), 10);
});

/** @param prepare is given the URL of an empty database. @returns what undoes it */
function behavesAsEver(prepare: (url: string) => Promise<() => void>, receiptsAtOnce: number): void {
  let database: TestDatabase;
  let service: TestService;
  let undo = () => undefined as void;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    undo = await prepare(database.url);
    service = await startTestService(database.url, { PROCESS_ROLE: 'api', DATABASE_POOL_SIZE: '20' });
  });

  afterAll(async () => {
    undo();
    await service.stop();
    await database.drop();
  });

  it('accepts many receipts at once', async () => {
    const { serviceId } = await registerCallbackApi(service, { url: URL_OF_SERVICE });
    const sentAt = '2024-02-03T04:05:06.789Z';
    const notifications = await Promise.all(
      Array.from({ length: receiptsAtOnce }, () =>
        createNotification(service, serviceId, { sent_at: sentAt }),
      ),
    );
    const responses = await Promise.all(notifications.map(({ id }) => sendReceipt(service, id)));
    for (const { notification, callback } of responses) {
      expect(callback).toMatchObject({ queued: true });
      expect(notification).toMatchObject({
        status: 'delivered',
        template_version: 3,
        sent_at: sentAt,
        created_at: expect.stringMatching(ISO),
        updated_at: expect.stringMatching(ISO),
      });
    }
    const again = await sendReceipt(service, notifications[0]?.id ?? '');
    expect(again.callback).toEqual({ queued: false, reason: 'already_final' });
    expect(service.logs.errors()).toEqual([]);
  });

  it('manages endpoints', async () => {
    const path = `/service/${randomUUID()}/callback-api`;
    const body = aCallbackApi({ url: URL_OF_SERVICE });
    const before = Date.now();
    const created = await service.call<{ data: Api }>('POST', path, body);
    expect(created.status).toBe(201);
    const { signing_secret: _secret, previous_signing_secret_until: _until, ...api } = created.body.data;
    expect(Date.parse(api.created_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(api.created_at)).toBeLessThanOrEqual(Date.now());
    expect((await service.call('POST', path, body)).status).toBe(409);
    expect((await service.call('GET', path)).body).toEqual({ data: [api] });

    const own = `${path}/${api.id}`;
    const change = { updated_by_id: randomUUID(), url: `${URL_OF_SERVICE}/moved` };
    const updated = await service.call<{ data: Api }>('POST', own, change);
    expect(updated.body.data).toEqual({ ...api, ...change, updated_at: expect.stringMatching(ISO) });
    expect((await service.call('GET', own)).body).toEqual(updated.body);
    const rotated = await service.call<{ data: Api }>('POST', `${own}/signing-secret/rotate`);
    expect(Date.parse(rotated.body.data.previous_signing_secret_until ?? '')).toBeGreaterThan(before);

    const disabled = await service.call<{ data: object }>('POST', `${own}/disable`);
    expect(disabled.body.data).toMatchObject({ disabled_at: expect.stringMatching(ISO) });
    expect((await service.call<{ data: object }>('POST', `${own}/enable`)).body.data).toMatchObject({
      disabled_at: null,
    });
    expect((await service.call('DELETE', own)).status).toBe(204);
    expect((await service.call('GET', own)).status).toBe(404);
    expect(service.logs.errors()).toEqual([]);
  });

  it('disables an endpoint that has failed for too long', async () => {
    const { id, serviceId } = await registerCallbackApi(service, { url: URL_OF_SERVICE });
    await query(
      database.url,
      `INSERT INTO service_callback_endpoint_health
         (callback_api_id, service_id, failing_since, last_failure, attempts_since_success)
       VALUES ($1, $2, '2024-02-03T04:05:06.789123Z', 'timeout', 1234)`,
      [id, serviceId],
    );
    const [failing] = await service.app.get(EndpointStateRepository).failing(new Date(), 1_000);
    expect(failing).toMatchObject({
      callbackApiId: id,
      failingSince: new Date('2024-02-03T04:05:06.789Z'),
      attempts: 1234,
      warnedPercent: 0,
    });
    if (failing) await service.app.get(EndpointSwitch).failing(id, failing);
    const [row] = await query(
      database.url,
      'SELECT disabled_reason FROM service_callback_apis WHERE id = $1',
      [id],
    );
    expect(row).toEqual({ disabled_reason: 'failing' });
  });

  it('keeps API tokens', async () => {
    const tokens = new ApiTokenRepository(service.app.get(DataSource));
    const digest = tokenDigest(randomUUID());
    const scopes = ['callbacks:read', 'callbacks:write'] as const;
    const { id } = await tokens.add({ name: 'of a test', digest, scopes });
    const found = { id, name: 'of a test', tokenHash: digest, scopes, serviceId: null, revokedAt: null };
    expect(await tokens.findByDigest(digest)).toEqual({ ...found, createdAt: expect.any(Date) });
    expect(await tokens.revoke(id)).toBe(true);
    expect(await tokens.findByDigest(digest)).toBeNull();
    expect(await tokens.list()).toEqual([
      { ...found, createdAt: expect.any(Date), revokedAt: expect.any(Date) },
    ]);
  });
}

async function setDefault(url: string, name: string, value: string): Promise<void> {
  await query(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET ${name} = ${value}`);
}

interface Api {
  readonly id: string;
  readonly created_at: string;
  readonly signing_secret?: string;
  readonly previous_signing_secret_until?: string | null;
}
