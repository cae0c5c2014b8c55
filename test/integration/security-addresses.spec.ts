import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseProxyUrl } from '../../src/service-callbacks/connections/proxy.js';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { clientUnderTest, type ClientUnderTest } from '../support/callback-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startForwardProxy, type ForwardProxy } from '../support/forward-proxy.js';
import { startTestService, type TestService } from '../support/service.js';
import { ADDRESS_OF_NAMES, REFUSED, TAKEN } from '../support/spellings.js';

/** As production has it: nothing exempt, no plain http, no port but 443. */
const STRICT = { CALLBACK_ALLOW_HTTP: 'false', CALLBACK_ALLOWED_NETWORKS: '', API_RATE_LIMIT: '0' };

describe(`${TAKEN.length + REFUSED.length} spellings of a callback URL`, () => {
  let database: TestDatabase;
  let service: TestService;
  /** The only way out of the client: it records the address of a connection, and opens none. */
  let proxy: ForwardProxy;
  let underTest: ClientUnderTest;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, STRICT);
    proxy = await startForwardProxy({
      respond: (socket) => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'),
    });
    underTest = clientUnderTest({
      allowHttp: false,
      allowedNetworks: [],
      proxy: parseProxyUrl(proxy.url),
      resolve: () => Promise.resolve([{ address: ADDRESS_OF_NAMES, family: 4 }]),
    });
  });

  afterAll(async () => {
    await underTest.wire.close();
    await proxy.close();
    await service.stop();
    await database.drop();
  });

  const register = (url: string) =>
    service.call('POST', `/service/${randomUUID()}/callback-api`, aCallbackApi({ url }));

  const send = (url: string) =>
    underTest.client.send({
      id: 'an-id',
      url,
      bearerToken: 'a-bearer-token',
      signingSecrets: [],
      body: '{}',
    });

  it.each(TAKEN)('%s is registered, and dialled at %s', async (url, address) => {
    expect(await register(url)).toMatchObject({ status: 201 });

    const dialledBefore = proxy.requests.length;
    expect(await send(url)).toMatchObject({ failure: { error: 'proxy_refused' } });
    expect(proxy.requests.slice(dialledBefore).map(({ target }) => target)).toEqual([`${address}:443`]);
  });

  it.each(REFUSED)('%j is not registered, and not dialled: %s', async (url, error) => {
    expect(await register(url)).toMatchObject({
      status: 400,
      body: {
        status_code: 400,
        errors: [{ error: 'ValidationError', message: expect.stringMatching(/^url /) }],
      },
    });

    const dialledBefore = proxy.requests.length;
    // As if it had been registered under other rules, or written into the table.
    expect(await send(url)).toMatchObject({ kind: 'final', failure: { error } });
    expect(proxy.requests).toHaveLength(dialledBefore);
  });
});
