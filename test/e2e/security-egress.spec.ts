import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startForwardProxy, type ForwardProxy } from '../support/forward-proxy.js';
import { closedPort, startReceiver, type Receiver } from '../support/receiver.js';
import { sendCallbackTo } from '../support/scenario.js';
import { startTestService, type Environment, type TestService } from '../support/service.js';
import { selfSigned, wrongHost } from '../support/tls/credentials.js';

describe('egress as the environment has it', () => {
  let database: TestDatabase;
  let directory: string;
  let caFile: string;
  let receiver: Receiver;
  let proxy: ForwardProxy;
  let service: TestService;

  const start = (environment: Environment) =>
    startTestService(database.url, {
      CALLBACK_EXTRA_CA_FILE: caFile,
      CALLBACK_MAX_RETRIES: '1',
      ...environment,
    });

  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-ca-'));
    caFile = join(directory, 'ca.pem');
    await writeFile(caFile, `# A comment.\n${selfSigned.cert}\n${wrongHost.cert}`);
    receiver = await startReceiver({ tls: selfSigned });
    proxy = await startForwardProxy();
    service = await start({ CALLBACK_PROXY_URL: proxy.url });
  });

  afterAll(async () => {
    await service.stop();
    await Promise.all([proxy.close(), receiver.close()]);
    await rm(directory, { recursive: true });
    await database.drop();
  });

  it('trusts CALLBACK_EXTRA_CA_FILE, and sends an address to CALLBACK_PROXY_URL', async () => {
    const { id } = await sendCallbackTo(service, receiver.url('/hook'));

    await service.logs.waitFor('callback.delivered', { callback_id: id });
    expect(proxy.requests).toEqual([
      expect.objectContaining({ method: 'CONNECT', target: `127.0.0.1:${receiver.port}` }),
    ]);
  });

  it('retries certificate errors, each with its own name', async () => {
    const elsewhere = await startReceiver({ tls: wrongHost });
    const { id } = await sendCallbackTo(service, elsewhere.url('/hook'));

    expect(await service.logs.waitForEnd(id)).toMatchObject({
      event: 'callback.retries_exhausted',
      attempt: 2,
      error: 'tls_certificate_wrong_host',
    });
    await elsewhere.close();
  });

  it('spends no attempt if the proxy is unavailable: the callback is postponed', async () => {
    // Its own database: the other service would fetch the job.
    const elsewhere = await createTestDatabase();
    const unreachable = await startTestService(elsewhere.url, {
      CALLBACK_PROXY_URL: `http://user:hunter2@127.0.0.1:${await closedPort()}`,
    });
    const { id } = await sendCallbackTo(unreachable, 'https://localhost:4430/');

    await unreachable.logs.waitFor('callback.postponed', { callback_id: id }, { count: 2 });

    expect(unreachable.logs.events('callback.retrying', { callback_id: id })).toEqual([]);
    const [line] = unreachable.logs.events('callback.postponed', { callback_id: id });
    expect(line?.['error']).toContain('CALLBACK_PROXY_URL');
    expect(line?.['err']).toMatchObject({
      name: 'ProxyUnavailableError',
      stack: expect.stringMatching(/\n +at /),
      cause: { code: 'ECONNREFUSED' },
    });
    expect(JSON.stringify(unreachable.logs.lines)).not.toContain('hunter2');
    await unreachable.stop();
    await elsewhere.drop();
  });

  it('does not start with an invalid certificate file, and names it', async () => {
    const empty = join(directory, 'empty.pem');
    await writeFile(empty, 'nothing');
    const broken = join(directory, 'broken.pem');
    await writeFile(broken, selfSigned.cert.replace('MII', 'AAA'));

    for (const [file, problem] of [
      [join(directory, 'missing.pem'), 'cannot be read (ENOENT)'],
      [empty, 'has no PEM certificate in it'],
      [broken, 'has a certificate that cannot be read, number 1'],
    ] as const) {
      await expect(start({ CALLBACK_EXTRA_CA_FILE: file })).rejects.toThrow(`"${file}" ${problem}`);
    }
  });
});
