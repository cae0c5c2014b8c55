import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Res, ServiceUnavailableException } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import type { Response } from 'express';
import { HttpErrorFilter } from '../../src/http/http-error.filter.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { ConsoleClient } from '../support/console-client.js';
import { createTestDatabase } from '../support/database.js';
import { startOwnedPostgres } from '../support/faults/owned-postgres.js';
import type { LogLine } from '../support/logs.js';
import { startReceiver } from '../support/receiver.js';
import { causeCallback, registerCallbackApi, sendCallbackTo } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

const API_TOKEN = 'the-api-token-of-this-test';
const BEARER = { authorization: `Bearer ${API_TOKEN}` };
const RECIPIENT = 'recipient-of-this-test@example.com';
const BEARER_TOKEN = 'the-bearer-token-of-an-endpoint';

/** `describeError` of anything that was thrown in this code. */
const anError = (fields: object) => ({
  name: expect.any(String),
  message: expect.any(String),
  stack: expect.stringMatching(/\n +at /),
  ...fields,
});

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
}, 60_000);

async function start(url: string, environment: Environment): Promise<TestService> {
  const service = await startTestService(url, environment);
  closers.push(() => service.stop());
  return service;
}

async function databaseUrl(): Promise<string> {
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  return database.url;
}

const refuse = (url: string, table: string, what: string) =>
  query(url, `ALTER TABLE ${table} ADD CONSTRAINT refuses CHECK (NOT (${what})) NOT VALID`);

const OF_API = { API_TOKENS: API_TOKEN, PROCESS_ROLE: 'api' };

describe('the log of requests that failed', () => {
  async function visitorOf(service: TestService): Promise<ConsoleClient> {
    const visitor = new ConsoleClient(service.url);
    expect((await visitor.signIn(API_TOKEN)).status).toBe(303);
    return visitor;
  }

  /** The one line of this event. */
  async function lineOf(service: TestService, event: string): Promise<LogLine> {
    const [line] = await service.logs.waitFor(event);
    expect(service.logs.events(event)).toHaveLength(1);
    return line ?? { level: 0 };
  }

  it('names the error behind each 500, and no recipient, token or row', async () => {
    const url = await databaseUrl();
    const service = await start(url, OF_API);
    const visitor = await visitorOf(service);

    await refuse(url, 'notifications', 'true');
    const notification = {
      notification_type: 'email',
      to: RECIPIENT,
      template_id: randomUUID(),
      template_version: 1,
    };
    const path = `/service/${randomUUID()}`;
    const response = await service.call('POST', `${path}/notifications`, notification, BEARER);
    expect(response).toMatchObject({
      status: 500,
      body: { status_code: 500, errors: [{ error: 'Error', message: 'Internal server error' }] },
    });
    expect(await lineOf(service, 'http.failed')).toMatchObject({
      level: 50,
      err: anError({
        name: 'QueryFailedError',
        code: '23514',
        message: expect.stringContaining('violates check constraint "refuses"'),
        stack: expect.stringContaining('notification.dao'),
      }),
    });

    await refuse(url, 'service_callback_apis', 'true');
    const api = aCallbackApi({ url: 'http://127.0.0.1/', bearer_token: BEARER_TOKEN });
    expect((await service.call('POST', `${path}/callback-api`, api, BEARER)).status).toBe(500);

    await query(url, 'ALTER TABLE service_callback_apis RENAME TO elsewhere');
    expect((await visitor.get('/console')).status).toBe(500);
    expect(await lineOf(service, 'console.failed')).toMatchObject({
      level: 50,
      err: anError({ code: '42P01', message: expect.stringContaining('service_callback_apis') }),
    });

    const everything = JSON.stringify(service.logs.lines);
    for (const secret of [RECIPIENT, BEARER_TOKEN, API_TOKEN, 'Failing row']) {
      expect(everything).not.toContain(secret);
    }
    expect(everything).not.toContain('[object Object]');
  }, 60_000);

  it('names the error behind each 503', async () => {
    const postgres = await startOwnedPostgres();
    closers.push(() => postgres.stop());
    const service = await start(postgres.url, { API_TOKENS: API_TOKEN });
    const visitor = await visitorOf(service);
    await postgres.crash();

    const receipts = `/notifications/${randomUUID()}/receipts`;
    const response = await service.call('POST', receipts, { status: 'delivered' }, BEARER);
    expect(response.status).toBe(503);
    const refused = anError({ message: expect.stringMatching(/ECONNREFUSED|terminated/) });
    expect(await lineOf(service, 'http.unavailable')).toMatchObject({ level: 50, err: refused });

    expect((await visitor.get('/console')).status).toBe(503);
    expect(await lineOf(service, 'console.unavailable')).toMatchObject({ level: 50, err: refused });

    // The line of the workers, which wait for jobs in the same database.
    const [line] = await service.logs.waitFor('queue.unavailable');
    const lost = anError({ message: expect.stringMatching(/ECONN|terminat|shutting down/) });
    expect(line).toMatchObject({ level: 50, err: anError({ name: 'QueueUnavailableError', cause: lost }) });
  }, 90_000);

  it('logs through a host’s own logger: a 503 with its cause, and an error after the response began', async () => {
    const logged: unknown[] = [];
    const logger = {
      log: () => undefined,
      warn: () => undefined,
      error: (line: unknown) => logged.push(line),
    };
    const app = await NestFactory.create(HostModule, { logger });
    closers.push(() => app.close());
    app.useGlobalFilters(new HttpErrorFilter(app.get(HttpAdapterHost)));
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();

    expect((await fetch(`${url}/unavailable`)).status).toBe(503);
    await fetch(`${url}/begun`).then((response) => response.text());
    expect(logged).toEqual([
      expect.objectContaining({
        event: 'http.unavailable',
        err: anError({ cause: anError({ message: 'the queue does not respond' }) }),
      }),
      expect.objectContaining({ event: 'http.failed', err: anError({ message: 'too late' }) }),
    ]);
  });
});

/** Breaks a table in a way that a start does not check. */
async function renameColumns(url: string, table: string): Promise<void> {
  await query(
    url,
    `DO $$ DECLARE name text; BEGIN
       FOR name IN SELECT column_name FROM information_schema.columns WHERE table_name = '${table}' LOOP
         EXECUTE format('ALTER TABLE ${table} RENAME COLUMN %I TO %I', name, name || '_away');
       END LOOP;
     END $$`,
  );
}

describe('the log of what fails in the background', () => {
  const CALLBACK_TABLES = [
    'service_callbacks',
    'service_callback_news',
    'service_callback_holds',
    'service_callback_endpoint_health',
    'service_callback_minutes',
    'service_callback_processes',
  ];

  it('names the error behind each task', async () => {
    const url = await databaseUrl();
    for (const table of CALLBACK_TABLES) await renameColumns(url, table);
    const service = await start(url, {});
    for (const [event, where] of [
      ['store.unavailable', {}],
      ['sweep.failed', {}],
      ['maintenance.failed', { task: 'replays' }],
      ['maintenance.failed', { task: 'retention' }],
      ['maintenance.failed', { task: 'figures' }],
      ['endpoints.unreviewed', {}],
      ['holds.outdated', {}],
      ['process.not_reported', {}],
    ] as const) {
      const [line] = await service.logs.waitFor(event, where);
      const message = expect.stringMatching(/^column .+ does not exist$/);
      expect([event, line?.['err']]).toEqual([event, anError({ code: '42703', message })]);
    }
  });

  it('names the error behind the result of a callback', async () => {
    const url = await databaseUrl();
    const receiver = await startReceiver();
    closers.push(() => receiver.close());
    const service = await start(url, {});
    const refused = anError({ code: '23514', message: expect.stringContaining('"refuses"') });

    receiver.respond('/gone', 410);
    await refuse(url, 'service_callback_apis', 'disabled_at IS NOT NULL');
    await refuse(url, 'service_callback_minutes', 'true');
    await sendCallbackTo(service, receiver.url('/gone'));
    const [notDisabled] = await service.logs.waitFor('endpoint.not_disabled');
    expect(notDisabled).toMatchObject({ level: 40, err: refused });
    const [dropped] = await service.logs.waitFor('figures.dropped');
    expect(dropped).toMatchObject({ level: 50, err: refused });

    await refuse(url, 'service_callbacks', `state = 'delivered'`);
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/unsettled') });
    const { id: unsettled } = await causeCallback(service, serviceId);
    const [line] = await service.logs.waitFor('settlement.refused', { callback_id: unsettled });
    expect(line).toMatchObject({ level: 50, err: refused });

    await query(
      url,
      `CREATE FUNCTION garble() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN NEW.payload := left(NEW.payload, -4); RETURN NEW; END $$;
       CREATE TRIGGER garbles BEFORE INSERT ON service_callback_payloads FOR EACH ROW EXECUTE FUNCTION garble()`,
    );
    const { id: garbled } = await causeCallback(service, serviceId);
    expect(await service.logs.waitForEnd(garbled)).toMatchObject({
      event: 'callback.unreadable',
      level: 50,
      error: expect.stringContaining('ciphertext'),
      err: anError({ name: 'CorruptCiphertextError' }),
    });

    await query(url, 'ALTER TABLE bullmq.job RENAME TO job_away');
    const [queueError] = await service.logs.waitFor('queue.error');
    expect(queueError).toMatchObject({
      level: 50,
      err: anError({ code: expect.stringMatching(/^42(P01|704)$/) }),
    });
    await query(url, 'ALTER TABLE bullmq.job_away RENAME TO job');
  }, 60_000);
});

@Controller()
class Failing {
  @Get('unavailable')
  unavailable() {
    throw new ServiceUnavailableException('Not now', { cause: new Error('the queue does not respond') });
  }

  @Get('begun')
  begun(@Res() response: Response) {
    response.write('begun');
    response.end();
    throw new Error('too late');
  }
}

@Module({ controllers: [Failing] })
class HostModule {}
