import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { generateApiToken, tokenDigest } from '../../src/http/api-tokens/api-token.js';
import { ApiTokenRepository } from '../../src/http/api-tokens/api-token.repository.js';
import { COOKIES } from '../../src/console/session/cookies.js';
import { SessionSeal } from '../../src/console/session/session-seal.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { serviceEntities } from '../../src/service-entities.js';
import { ConsoleClient } from '../support/console-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { registerCallbackApi } from '../support/scenario.js';
import { ManualClock } from '../support/manual-clock.js';
import { startTestService, type TestService } from '../support/service.js';
import { insertGivenUp } from '../support/given-up.js';
import { query } from '../support/sql.js';

const OPERATOR = 'the-token-of-an-operator';
const READER = 'the-token-of-a-reader';
const BLIND = 'the-token-of-a-receipt-writer';
const SERVICE_ID = randomUUID();

describe('a session of the console', () => {
  let database: TestDatabase;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, {
      API_TOKENS: [OPERATOR, `${READER}@${SERVICE_ID}:callbacks:read`, `${BLIND}:receipts:write`].join(),
    });
  });

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  const client = () => new ConsoleClient(service.url);
  async function signedIn(token: string): Promise<ConsoleClient> {
    const visitor = client();
    expect((await visitor.signIn(token)).status).toBe(303);
    return visitor;
  }

  async function deadLetter(serviceId: string): Promise<string> {
    const [id = ''] = await insertGivenUp(database.url, { serviceId });
    return id;
  }

  it('is asked for before anything is shown, and leads to where one wanted', async () => {
    const visitor = client();
    const answer = await visitor.get('/console/dead-letters?reason=expired');
    const to = encodeURIComponent('/console/dead-letters?reason=expired');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/console/sign-in?to=${to}`]);
    const landed = await visitor.signIn(OPERATOR, '/console/dead-letters?reason=expired');
    expect(landed.headers.get('location')).toBe('/console/dead-letters?reason=expired');
  });

  it.each([
    'https://elsewhere.example/',
    '//elsewhere.example',
    '/docs',
    '/consoles',
    '/console/../docs',
    '//[',
  ])('never leads to %s', async (to) => {
    expect((await client().signIn(OPERATOR, to)).headers.get('location')).toBe('/console');
  });

  it('is in a cookie that no script reads, no other site sends and no other path sees', async () => {
    const [cookie] = (await client().signIn(OPERATOR)).headers
      .getSetCookie()
      .filter((each) => each.startsWith('service-callbacks-console='));
    expect(cookie).toMatch(/; Path=\/console; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(OPERATOR);
    const proxied = await client().signIn(OPERATOR, '/console', { 'x-forwarded-proto': 'https' });
    expect(proxied.headers.getSetCookie().at(-1)).toMatch(/; Secure/);
  });

  it('is not opened by a wrong token, nor by a cookie of somebody’s own making', async () => {
    const refused = await client().signIn('not-a-token-at-all');
    expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('not valid')]);
    const forged = client();
    forged.setCookie('service-callbacks-console', 'test.Zm9yZ2Vk');
    expect((await forged.get('/console')).status).toBe(303);
  });

  it('ends with its token', async () => {
    const dataSource = await new DataSource(
      dataSourceOptions({ url: database.url, poolSize: 1, entities: [...serviceEntities] }),
    ).initialize();
    try {
      const tokens = new ApiTokenRepository(dataSource);
      const token = generateApiToken();
      const { id } = await tokens.add({
        name: 'a team',
        digest: tokenDigest(token),
        scopes: ['callbacks:read', 'callbacks:write'],
      });
      const visitor = await signedIn(token);
      expect((await visitor.get('/console')).status).toBe(200);
      // The log names it, where its owner switches an endpoint.
      const authorization = `Bearer ${token}`;
      const withToken = (method: string, path: string, body?: unknown) =>
        service.call<never>(method, path, body, { authorization });
      const api = await registerCallbackApi({ ...service, call: withToken }, { url: 'http://127.0.0.1:9/' });
      await withToken('POST', `/service/${api.serviceId}/callback-api/${api.id}/disable`);
      await visitor.post(`/console/services/${api.serviceId}/endpoints/${api.id}/enable`, {});
      for (const event of ['endpoint.disabled', 'endpoint.enabled'])
        await service.logs.waitFor(event, { callback_api_id: api.id, token_name: 'a team' });
      await tokens.revoke(id);
      expect((await visitor.get('/console')).status).toBe(303);
    } finally {
      await dataSource.destroy();
    }
  });

  it('lives on while somebody clicks, and not by a page that refreshes itself', async () => {
    const past = new ManualClock(Date.now() - 2 * 60_000);
    const sealed = new SessionSeal(service.app.get(PayloadCipher), past).start(OPERATOR);
    const visitor = client();
    const cookiesOf = async (path: string, headers: Record<string, string> = {}) => {
      visitor.setCookie(COOKIES.session, sealed);
      const answer = await visitor.get(path, headers);
      return [answer.status, answer.headers.getSetCookie().length];
    };
    expect(await cookiesOf('/console', { 'hx-request': 'true' })).toEqual([200, 0]);
    expect(await cookiesOf('/console')).toEqual([200, 1]);
  });

  it('ends by signing out', async () => {
    const visitor = await signedIn(OPERATOR);
    expect((await visitor.post('/console/sign-out', {})).status).toBe(303);
    expect((await visitor.get('/console')).status).toBe(303);
  });

  it('takes a form from its own pages alone', async () => {
    const visitor = await signedIn(OPERATOR);
    const id = await deadLetter(SERVICE_ID);
    const form = { which: 'selected', id, confirmed: 'true' };
    const csrf = await visitor.csrf();
    const stranger = await (await signedIn(OPERATOR)).csrf();
    const refused = [
      visitor.post('/console/dead-letters/delete', form, { csrf: '' }),
      visitor.post('/console/dead-letters/delete', form, { csrf: stranger }),
      visitor.post('/console/dead-letters/delete', form, {
        csrf,
        headers: { 'sec-fetch-site': 'cross-site' },
      }),
      visitor.post('/console/dead-letters/delete', form, {
        csrf,
        headers: { origin: 'https://elsewhere.example' },
      }),
      visitor.post('/console/dead-letters/delete', form, { csrf, headers: { origin: 'null' } }),
    ];
    for (const answer of await Promise.all(refused)) expect(answer.status).toBe(403);
    const own = await visitor.post('/console/dead-letters/delete', form, {
      csrf,
      headers: { origin: service.url },
    });
    const told = own.headers.get('location') ?? '';
    expect(await (await visitor.get(told)).text()).toContain('1 dead letter deleted');
    for (const forged of [told.replace('=1.', '=999.'), '/console/dead-letters?deleted=999']) {
      expect(await (await visitor.get(forged)).text()).not.toMatch(/dead letters? deleted/);
    }
  });

  it('does nothing with an action that its token is not good for, and sees no other service', async () => {
    const visitor = await signedIn(READER);
    const id = await deadLetter(SERVICE_ID);
    const theirs = await deadLetter(randomUUID());
    const own = `/console/services/${SERVICE_ID}`;
    const actions = [
      '/console/dead-letters/replay',
      '/console/dead-letters/delete',
      `${own}/callbacks/${id}/replay`,
      `${own}/endpoints/${randomUUID()}/test`,
      `${own}/endpoints/${randomUUID()}/rotate`,
      `${own}/endpoints/${randomUUID()}/disable`,
      `${own}/endpoints/${randomUUID()}/enable`,
      `/console/replays/${randomUUID()}/stop`,
    ];
    for (const action of actions) {
      const { status } = await visitor.post(action, { which: 'all', confirmed: 'true' });
      expect([action, status]).toEqual([action, 403]);
    }
    const list = await (await visitor.get('/console/dead-letters?service=')).text();
    expect([list.includes(id), list.includes(theirs)]).toEqual([true, false]);
    expect((await visitor.get(`/console/services/${randomUUID()}/callbacks/${theirs}`)).status).toBe(404);
  });

  it('is of no use with a token that may not read', async () => {
    const visitor = client();
    const refused = await visitor.signIn(BLIND);
    expect([refused.status, await refused.text()]).toEqual([
      401,
      expect.stringContaining('may not read callbacks: it lacks the scope callbacks:read'),
    ]);
    expect((await visitor.get('/console')).status).toBe(303);
  });

  it('deletes nothing where nothing is selected, and nothing by a filter it does not understand', async () => {
    const visitor = await signedIn(OPERATOR);
    const id = await deadLetter(SERVICE_ID);
    const none = { which: 'selected', confirmed: 'true' };
    expect((await visitor.post('/console/dead-letters/delete', none)).status).toBe(400);
    const vague = { since: 'yesterday', reason: 'unheard-of', service: 'x'.repeat(256) };
    for (const [name, value] of Object.entries(vague)) {
      const form = { which: 'all', confirmed: 'true', [name]: value };
      expect((await visitor.post('/console/dead-letters/delete', form)).status).toBe(400);
    }
    expect(await (await visitor.get('/console/dead-letters')).text()).toContain(id);
  });

  it('deletes no more than was asked about', async () => {
    const visitor = await signedIn(OPERATOR);
    const serviceId = randomUUID();
    const before = await deadLetter(serviceId);
    const which = { which: 'all', service: serviceId };
    const page = await (await visitor.post('/console/dead-letters/delete', which)).text();
    const asked = /name="asked" value="([^"]+)"/.exec(page)?.[1] ?? '';
    expect(page).toMatch(new RegExp(`Delete 1 dead letter\\?[^]*All that match now[^]*<dd>.*${serviceId}`));
    const later = await deadLetter(serviceId);
    const done = await visitor.post('/console/dead-letters/delete', { ...which, asked, confirmed: 'true' });
    expect(done.headers.get('location')).toContain('deleted=1');
    const left = await (await visitor.get(`/console/dead-letters?service=${serviceId}`)).text();
    expect([left.includes(before), left.includes(later)]).toEqual([false, true]);
    const none = { which: 'all', service: randomUUID() };
    const nothing = await (await visitor.post('/console/dead-letters/delete', none)).text();
    expect([nothing.includes('nothing to delete'), nothing.includes('confirmed')]).toEqual([true, false]);
  });

  it('says what of a filter it does not understand, and shows nothing then', async () => {
    const visitor = await signedIn(OPERATOR);
    await deadLetter(SERVICE_ID);
    const long = 'x'.repeat(256);
    for (const asked of ['state=unheard-of', 'subject=a&subject=b', `subject=${long}`, 'since=yesterday']) {
      const html = await (await visitor.get(`/console/callbacks?${asked}`)).text();
      expect([asked, html]).toEqual([asked, expect.stringMatching(/class="problem"[^]*No callback matches/)]);
    }
    for (const asked of ['reason=unheard-of', 'service=a&service=b', 'endpoint=none', `service=${long}`]) {
      const html = await (await visitor.get(`/console/dead-letters?${asked}`)).text();
      expect([asked, html]).toEqual([
        asked,
        expect.stringMatching(/class="problem"[^]*No dead letter matches/),
      ]);
    }
    expect(await (await visitor.get('/console/callbacks?id=+')).text()).not.toContain('There is no callback');
  });

  it('offers to replay only what can be, and shows a callback that was never attempted', async () => {
    const visitor = await signedIn(OPERATOR);
    const serviceId = randomUUID();
    const [id, kept] = [await deadLetter(serviceId), await deadLetter(serviceId)];
    await query(database.url, 'DELETE FROM service_callback_payloads WHERE id = $1', [id]);
    const list = await (await visitor.get(`/console/dead-letters?service=${serviceId}`)).text();
    expect(list).toMatch(/Replay all 1 that match[^]*Delete all 2 that match/);
    const answer = await visitor.get(`/console/services/${serviceId}/callbacks/${id}`);
    const html = await answer.text();
    expect([answer.status, html]).toEqual([
      200,
      expect.stringMatching(/Given up<\/b> <time[^]*<\/time>: final answer/),
    ]);
    expect(html).not.toContain('No attempt yet');
    const isOnItsWay = async (each: string) => {
      const address = `/console/services/${serviceId}/callbacks/${each}?done=replayed`;
      return (await (await visitor.get(address)).text()).includes('on its way again');
    };
    await query(
      database.url,
      `UPDATE service_callbacks SET state = 'pending', reason = NULL, finished_at = NULL, generation = 1 WHERE id = $1`,
      [id],
    );
    expect([await isOnItsWay(id ?? ''), await isOnItsWay(kept ?? '')]).toEqual([true, false]);
  });

  it('says that a failing endpoint is about to be disabled, and how a disabled one failed', async () => {
    const authorization = `Bearer ${OPERATOR}`;
    const { id, serviceId } = await registerCallbackApi(
      { ...service, call: (method, path, body) => service.call(method, path, body, { authorization }) },
      { url: 'http://127.0.0.1:9/' },
    );
    await query(
      database.url,
      `WITH health AS (
         INSERT INTO service_callback_endpoint_health
           (callback_api_id, service_id, last_failure_at, last_failure, failing_since, attempts_since_success)
         VALUES ($1::text, $2, now(), '503', now() - interval '3 days', 60) RETURNING failing_since)
       UPDATE service_callback_apis SET warned_percent = 50, warned_since = failing_since
       FROM health WHERE id = $1::uuid`,
      [id, serviceId],
    );
    const visitor = await signedIn(OPERATOR);
    const endpoint = `/console/services/${serviceId}/endpoints/${id}`;
    const pages = async () =>
      Promise.all(['/console', endpoint].map(async (path) => (await visitor.get(path)).text()));
    const words = '503 Service Unavailable, 60 attempts in a row';
    for (const html of await pages()) {
      expect(html).toMatch(
        new RegExp(`Failing since [^<]+: ${words}; it is disabled at [^<]+ if this goes on`),
      );
    }
    await query(
      database.url,
      `UPDATE service_callback_apis SET disabled_at = now(), disabled_reason = 'failing' WHERE id = $1`,
      [id],
    );
    const [overview, page] = await pages();
    for (const html of [overview, page]) {
      expect(html).toMatch(new RegExp(`Disabled since [^<]+; it was failing since [^<]+: ${words}`));
    }
    expect(overview).toContain('1 disabled<');
    expect(overview).not.toContain('No endpoint is failing');
    expect(page).toContain('it was switched off');
  });

  it('takes an address for what it is, whatever is in it', async () => {
    const visitor = await signedIn(OPERATOR);
    const id = randomUUID();
    const statuses = [
      '/console/callbacks?subject=%00',
      '/console/dead-letters?service=%00',
      `/console/services/%00/callbacks/${id}`,
      '/console/sign-in?to=//[',
    ].map(async (path) => (await visitor.get(path)).status);
    expect(await Promise.all(statuses)).toEqual([200, 200, 404, 200]);
  });

  it('has pages that load nothing from elsewhere and run nothing that is inline', async () => {
    const visitor = await signedIn(OPERATOR);
    for (const path of ['/console', '/console/callbacks', '/console/dead-letters', '/console/nowhere']) {
      const answer = await visitor.get(path);
      expect(answer.headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
          "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      );
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const html = await answer.text();
      expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]+src=)|https?:\/\/(?!127)/);
    }
  });

  it('serves its files for ever, under names with their hashes', async () => {
    const html = await (await client().get('/console/sign-in')).text();
    const files = [...html.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)].map(
      ([, path]) => path ?? '',
    );
    expect(new Set(files.map((path) => path.split('.').at(-1)))).toEqual(new Set(['css', 'js', 'svg']));
    for (const path of files) {
      const answer = await client().get(path);
      expect([path, answer.status, answer.headers.get('cache-control')]).toEqual([
        path,
        200,
        'public, max-age=31536000, immutable',
      ]);
    }
  });

  it('loads once more where another site led here: the cookie comes along then', async () => {
    const visitor = await signedIn(OPERATOR);
    const held = await client().get('/console/callbacks', { 'sec-fetch-site': 'cross-site' });
    expect(await held.text()).toContain('http-equiv="refresh" content="0; url=/console/callbacks"');
    expect((await visitor.get('/console/callbacks', { 'sec-fetch-site': 'cross-site' })).status).toBe(200);
  });

  it('says what went wrong without telling what it is made of', async () => {
    const visitor = await signedIn(OPERATOR);
    await query(database.url, 'ALTER TABLE service_callback_minutes RENAME TO elsewhere');
    try {
      const answer = await visitor.get('/console');
      const html = await answer.text();
      expect([answer.status, html]).toEqual([500, expect.stringContaining('Something went wrong')]);
      expect(html).not.toMatch(/service_callback_minutes|SELECT| at /);
      await service.logs.waitFor('console.failed', {});
    } finally {
      await query(database.url, 'ALTER TABLE elsewhere RENAME TO service_callback_minutes');
    }
  });

  it('keeps whoever guesses tokens waiting, whatever address a header claims', async () => {
    const guesses = Array.from({ length: 21 }, (_, index) => `a-guess-of-a-token-${index}`);
    const statuses: number[] = [];
    for (const [index, guess] of guesses.entries()) {
      const claimed = { 'x-forwarded-for': `192.0.2.${index}` };
      statuses.push((await client().signIn(guess, '/console', claimed)).status);
    }
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('CONSOLE=false', () => {
  it('leaves the console out', async () => {
    const database = await createTestDatabase();
    const service = await startTestService(database.url, { CONSOLE: 'false' });
    expect((await fetch(`${service.url}/console`)).status).toBe(404);
    await service.stop();
    await database.drop();
  });
});
