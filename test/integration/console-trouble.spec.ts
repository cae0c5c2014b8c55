import { afterEach, describe, expect, it } from '@jest/globals';
import { Relay } from '../../src/service-callbacks/relay/relay.js';
import { ConsoleClient } from '../support/console-client.js';
import { createTestDatabase } from '../support/database.js';
import { startOwnedPostgres } from '../support/faults/owned-postgres.js';
import { enqueueAs, FAILED, RETRYING } from '../support/enqueue-as.js';
import { eventually } from '../support/eventually.js';
import { registerCallbackApi } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';

const OPERATOR = 'the-token-of-an-operator';

describe('the console, when something is wrong', () => {
  const closers: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  }, 60_000);

  async function start(url: string, environment: Environment = {}): Promise<TestService> {
    const service = await startTestService(url, { API_TOKENS: OPERATOR, ...environment });
    closers.push(() => service.stop());
    return service;
  }

  async function freshDatabase(): Promise<string> {
    const database = await createTestDatabase();
    closers.push(() => database.drop());
    return database.url;
  }

  async function visitorOf(service: TestService): Promise<ConsoleClient> {
    const visitor = new ConsoleClient(service.url);
    expect((await visitor.signIn(OPERATOR)).status).toBe(303);
    return visitor;
  }

  it('says that the database is unavailable, keeps people signed in, and comes back with it', async () => {
    const postgres = await startOwnedPostgres();
    closers.push(() => postgres.stop());
    const visitor = await visitorOf(await start(postgres.url));
    await postgres.crash();
    for (const path of ['/console', '/console/callbacks', '/console/dead-letters']) {
      for (const headers of [{}, { 'hx-request': 'true' }] as Record<string, string>[]) {
        const response = await visitor.get(path, headers);
        const html = await response.text();
        expect([path, response.status]).toEqual([path, 503]);
        expect(html).toMatch(/id="problem"[^]*The database does not respond/);
        expect(html).not.toMatch(/ECONNREFUSED|node_modules/);
      }
    }
    await postgres.start();
    await eventually(async () => expect((await visitor.get('/console')).status).toBe(200), 20_000);
  }, 90_000);

  it('says that no worker runs, only while none does', async () => {
    const url = await freshDatabase();
    const visitor = await visitorOf(await start(url, { PROCESS_ROLE: 'api' }));
    const overview = async () => (await visitor.get('/console')).text();
    expect(await overview()).toContain('No worker process is running');
    await start(url, { PROCESS_ROLE: 'worker' });
    await eventually(async () => expect(await overview()).not.toContain('No worker process'), 20_000);
  }, 60_000);

  it('says that delivered callbacks are not listed, and lists the others', async () => {
    const service = await start(await freshDatabase(), { CALLBACK_DELIVERY_LOG: 'off' });
    const visitor = await visitorOf(service);
    const { serviceId, id } = await register(service);
    const callback = await enqueueAs(service, serviceId, RETRYING);
    const endpoint = `/console/services/${serviceId}/endpoints/${id}`;
    for (const path of ['/console/callbacks', endpoint]) {
      const html = await (await visitor.get(path)).text();
      expect(html).toContain('Callbacks that were delivered are not listed');
      expect(html).toContain(callback);
    }
    expect(await (await visitor.get(endpoint)).text()).toContain('1 callback waiting');
  });

  it('shows how often a waiting callback was attempted, and why it waits', async () => {
    const service = await start(await freshDatabase());
    const visitor = await visitorOf(service);
    const { serviceId } = await register(service);
    // Nothing is taken any more.
    await service.app.get(Relay).onModuleDestroy();
    const ids = [
      await enqueueAs(service, serviceId, 'callback_type = callback_type'),
      await enqueueAs(service, serviceId, FAILED),
      await enqueueAs(service, serviceId, `${RETRYING}, detail = 'unknown_encryption_key'`),
    ];
    const pages = await Promise.all(
      ids.map(async (id) => (await visitor.get(`/console/services/${serviceId}/callbacks/${id}`)).text()),
    );
    expect(pages[0]).toContain('for its first attempt.');
    expect(pages[1]).toContain('for its next attempt, after 1 attempt.');
    expect(pages[2]).toContain('this platform lacks a key');
  });
});

const register = (service: TestService) =>
  registerCallbackApi(
    {
      ...service,
      call: (method, path, body) => service.call(method, path, body, { authorization: `Bearer ${OPERATOR}` }),
    },
    { url: 'http://127.0.0.1:9/' },
  );
