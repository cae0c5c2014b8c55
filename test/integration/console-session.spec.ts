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
import { startTestService, type RestApi, type TestService } from '../support/service.js';
import { insertGivenUp } from '../support/given-up.js';
import { query } from '../support/sql.js';

const OPERATOR = 'the-token-of-an-operator';
const READER = 'the-token-of-a-reader';
const BLIND = 'the-token-of-a-receipt-writer';
const SERVICE_ID = randomUUID();
const RUNBOOK = 'http://127.0.0.1:9/runbook';

describe('a session of the console', () => {
  let database: TestDatabase;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, {
      API_TOKENS: [OPERATOR, `${READER}@${SERVICE_ID}:callbacks:read`, `${BLIND}:receipts:write`].join(),
      CONSOLE_RUNBOOK_URL: RUNBOOK,
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

  const asOperator: RestApi['call'] = (method, path, body) =>
    service.call(method, path, body, { authorization: `Bearer ${OPERATOR}` });
  const register = (overrides: { readonly serviceId?: string; readonly url?: string } = {}) =>
    registerCallbackApi({ ...service, call: asOperator }, { url: 'http://127.0.0.1:9/', ...overrides });

  async function deadLetter(serviceId: string): Promise<string> {
    const [id = ''] = await insertGivenUp(database.url, { serviceId });
    return id;
  }

  it('is needed before anything is shown, and leads to the requested page', async () => {
    const visitor = client();
    const response = await visitor.get('/console/dead-letters?reason=expired');
    const to = encodeURIComponent('/console/dead-letters?reason=expired');
    expect([response.status, response.headers.get('location')]).toEqual([303, `/console/sign-in?to=${to}`]);
    const landed = await visitor.signIn(OPERATOR, '/console/dead-letters?reason=expired');
    expect(landed.headers.get('location')).toBe('/console/dead-letters?reason=expired');
  });

  it('shows pages that lead to the API documents and to the runbook', async () => {
    const page = await (await (await signedIn(OPERATOR)).get('/console')).text();
    expect(page).toContain('<a href="/docs">API documents</a>');
    expect(page).toContain(`<a href="${RUNBOOK}">Runbook</a>`);
  });

  it.each([
    'https://elsewhere.example/',
    '//elsewhere.example',
    '/docs',
    '/consoles',
    '/console/../docs',
    '//[',
  ])('never redirects to %s', async (to) => {
    expect((await client().signIn(OPERATOR, to)).headers.get('location')).toBe('/console');
  });

  it('uses a cookie that is HttpOnly, SameSite and limited to its path', async () => {
    const [cookie] = (await client().signIn(OPERATOR)).headers
      .getSetCookie()
      .filter((each) => each.startsWith('service-callbacks-console='));
    expect(cookie).toMatch(/; Path=\/console; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(OPERATOR);
    const proxied = await client().signIn(OPERATOR, '/console', { 'x-forwarded-proto': 'https' });
    expect(proxied.headers.getSetCookie().at(-1)).toMatch(/; Secure/);
  });

  it('is not opened by a wrong token, nor by a forged cookie', async () => {
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
      // The log names the token when its owner disables an endpoint.
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

  it('is extended by clicks, and not by a page that refreshes itself', async () => {
    const past = new ManualClock(Date.now() - 2 * 60_000);
    const sealed = new SessionSeal(service.app.get(PayloadCipher), past).start(OPERATOR);
    const visitor = client();
    const cookiesOf = async (path: string, headers: Record<string, string> = {}) => {
      visitor.setCookie(COOKIES.session, sealed);
      const response = await visitor.get(path, headers);
      return [response.status, response.headers.getSetCookie().length];
    };
    expect(await cookiesOf('/console', { 'hx-request': 'true' })).toEqual([200, 0]);
    expect(await cookiesOf('/console')).toEqual([200, 1]);
  });

  it('ends by signing out', async () => {
    const visitor = await signedIn(OPERATOR);
    expect((await visitor.post('/console/sign-out', {})).status).toBe(303);
    expect((await visitor.get('/console')).status).toBe(303);
  });

  it('accepts forms only from its own pages', async () => {
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
    for (const response of await Promise.all(refused)) expect(response.status).toBe(403);
    const own = await visitor.post('/console/dead-letters/delete', form, {
      csrf,
      headers: { origin: service.url },
    });
    const notice = own.headers.get('location') ?? '';
    expect(await (await visitor.get(notice)).text()).toContain('1 given-up callback deleted');
    for (const forged of [notice.replace('=1.', '=999.'), '/console/dead-letters?deleted=999']) {
      expect(await (await visitor.get(forged)).text()).not.toMatch(/callbacks? deleted/);
    }
  });

  it('rejects actions outside of its token’s scopes, and rows of other services', async () => {
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

  it('needs a token that may read', async () => {
    const visitor = client();
    const refused = await visitor.signIn(BLIND);
    expect([refused.status, await refused.text()]).toEqual([
      401,
      expect.stringContaining('may not read callbacks: it lacks the scope callbacks:read'),
    ]);
    expect((await visitor.get('/console')).status).toBe(303);
  });

  it('deletes nothing without a selection, or with an invalid filter', async () => {
    const visitor = await signedIn(OPERATOR);
    const id = await deadLetter(SERVICE_ID);
    const none = { which: 'selected', confirmed: 'true' };
    for (const action of ['delete', 'replay']) {
      const response = await visitor.post(`/console/dead-letters/${action}`, {
        ...none,
        service: SERVICE_ID,
      });
      const address = response.headers.get('location') ?? '';
      expect([response.status, address]).toEqual([303, expect.stringContaining(`service=${SERVICE_ID}`)]);
      expect(await (await visitor.get(address)).text()).toContain('Select at least one callback');
    }
    const vague = { since: 'yesterday', reason: 'unheard-of', service: 'x'.repeat(256) };
    for (const [name, value] of Object.entries(vague)) {
      const form = { which: 'all', confirmed: 'true', [name]: value };
      expect((await visitor.post('/console/dead-letters/delete', form)).status).toBe(400);
    }
    expect(await (await visitor.get('/console/dead-letters')).text()).toContain(id);
  });

  it('deletes no more than the confirmation page showed', async () => {
    const visitor = await signedIn(OPERATOR);
    const serviceId = randomUUID();
    const before = await deadLetter(serviceId);
    const which = { which: 'all', service: serviceId };
    const page = await (await visitor.post('/console/dead-letters/delete', which)).text();
    const asked = /name="asked" value="([^"]+)"/.exec(page)?.[1] ?? '';
    expect(page).toMatch(
      new RegExp(`Delete 1 given-up callback\\?[^]*All that match now[^]*<dd>.*${serviceId}`),
    );
    const later = await deadLetter(serviceId);
    const done = await visitor.post('/console/dead-letters/delete', { ...which, asked, confirmed: 'true' });
    expect(done.headers.get('location')).toContain('deleted=1');
    const left = await (await visitor.get(`/console/dead-letters?service=${serviceId}`)).text();
    expect([left.includes(before), left.includes(later)]).toEqual([false, true]);
    const none = { which: 'all', service: randomUUID() };
    const nothing = await visitor.post('/console/dead-letters/delete', none);
    expect(await (await visitor.get(nothing.headers.get('location') ?? '')).text()).toContain(
      'They are gone already',
    );
  });

  it('names the invalid fields of a filter, and shows nothing then', async () => {
    const visitor = await signedIn(OPERATOR);
    await deadLetter(SERVICE_ID);
    const long = 'x'.repeat(256);
    const unheard = ['state=unheard-of', 'subject=a&subject=b', `subject=${long}`, 'since=yesterday'];
    const notNow = ['period=outage', 'period=ever', 'endpoint=none', 'reason=bored', 'replay=none'];
    for (const asked of [...unheard, ...notNow]) {
      const html = await (await visitor.get(`/console/callbacks?${asked}`)).text();
      expect([asked, html]).toEqual([asked, expect.stringMatching(/class="problem"[^]*No callback matches/)]);
    }
    for (const asked of ['reason=unheard-of', 'service=a&service=b', 'endpoint=none', `service=${long}`]) {
      const html = await (await visitor.get(`/console/dead-letters?${asked}`)).text();
      expect([asked, html]).toEqual([
        asked,
        expect.stringMatching(/class="problem"[^]*No given-up callback matches/),
      ]);
    }
  });

  it('offers a replay only if one is possible, and shows a callback that was never attempted', async () => {
    const visitor = await signedIn(OPERATOR);
    const serviceId = randomUUID();
    const { id: endpointId } = await register({ serviceId });
    const [id, kept] = await insertGivenUp(database.url, { serviceId, endpointId, count: 2 });
    // Its endpoint is deleted.
    await insertGivenUp(database.url, { serviceId, endpointId: randomUUID() });
    await query(database.url, 'DELETE FROM service_callback_payloads WHERE id = $1', [id]);
    const list = await (await visitor.get(`/console/dead-letters?service=${serviceId}`)).text();
    expect(list).toMatch(/All 3 that match[^]*cannot be replayed/);
    const which = { which: 'all', service: serviceId };
    const question = await (await visitor.post('/console/dead-letters/replay', which)).text();
    expect(question).toContain('Replay 1 given-up callback?');
    const response = await visitor.get(`/console/services/${serviceId}/callbacks/${id}`);
    const html = await response.text();
    expect([response.status, html]).toEqual([
      200,
      expect.stringMatching(/Given up<\/b> <time[^]*<\/time>: rejected, not retried/),
    ]);
    expect(html).toMatch(
      /It cannot be replayed: its body is not kept any more[^]*The body is not kept any more/,
    );
    const isOnItsWay = async (each: string) => {
      const address = `/console/services/${serviceId}/callbacks/${each}?done=replayed`;
      return (await (await visitor.get(address)).text()).includes('It is on its way');
    };
    await query(
      database.url,
      `UPDATE service_callbacks SET state = 'pending', reason = NULL, finished_at = NULL, generation = 1 WHERE id = $1`,
      [id],
    );
    expect([await isOnItsWay(id ?? ''), await isOnItsWay(kept ?? '')]).toEqual([true, false]);
  });

  it('says that a failing endpoint is about to be disabled, and how a disabled one failed', async () => {
    const { id, serviceId } = await register();
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
        new RegExp(`Failing<[^]*since [^<]+: ${words}; it is disabled at [^<]+ if this goes on`),
      );
    }
    await query(
      database.url,
      `UPDATE service_callback_apis SET disabled_at = now(), disabled_reason = 'failing' WHERE id = $1`,
      [id],
    );
    const [overview, page] = await pages();
    for (const html of [overview, page]) {
      expect(html).toMatch(new RegExp(`Disabled<[^]*since [^<]+; it was failing since [^<]+: ${words}`));
    }
    expect(overview).toContain('1 disabled<');
    expect(overview).not.toContain('No endpoint is failing');
    expect(page).toContain('it was disabled');
  });

  it('searches only its own service, by a shown id, a subject, an endpoint and a service', async () => {
    const [operator, reader] = [await signedIn(OPERATOR), await signedIn(READER)];
    const subjectId = `order-${randomUUID()}`;
    const theirs = randomUUID();
    const [own = ''] = await insertGivenUp(database.url, { serviceId: SERVICE_ID });
    const [other = ''] = await insertGivenUp(database.url, { serviceId: theirs });
    await query(database.url, 'UPDATE service_callbacks SET subject_id = $1 WHERE id = ANY ($2)', [
      subjectId,
      [own, other],
    ]);
    const found = async (visitor: ConsoleClient, text: string) => {
      const response = await visitor.get(`/console/search?q=${encodeURIComponent(text)}`);
      return response.status === 303 ? response.headers.get('location') : response.text();
    };
    const pageOf = (serviceId: string, id: string) => `/console/services/${serviceId}/callbacks/${id}`;
    for (const text of [own, ` ${own.toUpperCase()} `, own.slice(0, 23), own.replaceAll('-', '')])
      expect([text, await found(reader, text)]).toEqual([text, pageOf(SERVICE_ID, own)]);
    for (const text of [subjectId, subjectId.slice(0, 20)])
      expect(await found(reader, text)).toBe(pageOf(SERVICE_ID, own));
    expect(await found(operator, subjectId)).toMatch(new RegExp(`${own}[^]*${other}|${other}[^]*${own}`));
    expect(await found(operator, other)).toBe(pageOf(theirs, other));
    for (const text of [other, 'order-_', '%', 'nothing\0at all', 'x'.repeat(300)])
      expect(await found(reader, text)).toMatch(/Nothing found for|Enter what to look for/);

    const { id, serviceId, url } = await register({ url: `http://127.0.0.1:9/${randomUUID()}` });
    for (const text of [id, id.slice(0, 8), url.slice(-12).toUpperCase()])
      expect(await found(operator, text)).toBe(`/console/services/${serviceId}/endpoints/${id}`);
    expect(await found(operator, serviceId)).toBe(`/console?text=${serviceId}`);
    const list = async (asked: string) => (await operator.get(`/console?${asked}`)).text();
    expect(await list(`text=${serviceId}`)).toContain(url);
    expect(await list(`text=${serviceId}&state=disabled`)).toContain('No endpoint matches');
    for (const order of ['url', 'waiting', 'delivered', 'failed', 'given_up'])
      expect(await list(`text=${serviceId}&order=${order}`)).toMatch(/aria-sort="(de|a)scending"/);
    expect(await found(reader, id)).toContain('Nothing found');
  });

  it('keeps the navigation on error pages', async () => {
    const visitor = await signedIn(OPERATOR);
    const response = await visitor.get('/console/nowhere');
    const html = await response.text();
    expect([response.status, html]).toEqual([
      404,
      expect.stringMatching(/aria-label="Console"[^]*id="problem"/),
    ]);
  });

  it('asks for confirmation before it disables', async () => {
    const visitor = await signedIn(OPERATOR);
    const { id, serviceId } = await register();
    const endpoint = `/console/services/${serviceId}/endpoints/${id}`;
    const asked = await visitor.post(`${endpoint}/disable`, {});
    expect(await asked.text()).toContain('Disable this endpoint?');
    expect(await (await visitor.get(endpoint)).text()).not.toContain('Disabled<');
    expect((await visitor.post(`${endpoint}/disable`, { confirmed: 'true' })).status).toBe(303);
    expect(await (await visitor.get(endpoint)).text()).toContain('Disabled<');
  });

  it('handles any text in an address', async () => {
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

  it('has pages that load nothing from elsewhere and run no inline scripts', async () => {
    const visitor = await signedIn(OPERATOR);
    for (const path of ['/console', '/console/callbacks', '/console/dead-letters', '/console/nowhere']) {
      const response = await visitor.get(path);
      expect(response.headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
          "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      );
      expect(response.headers.get('cache-control')).toBe('no-store');
      const html = await response.text();
      expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]+src=)|https?:\/\/(?!127)/);
    }
  });

  it('serves its files without expiry, under names with their hashes', async () => {
    const html = await (await client().get('/console/sign-in')).text();
    const files = [...html.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)].map(
      ([, path]) => path ?? '',
    );
    expect(new Set(files.map((path) => path.split('.').at(-1)))).toEqual(new Set(['css', 'js', 'svg']));
    for (const path of files) {
      const response = await client().get(path);
      expect([path, response.status, response.headers.get('cache-control')]).toEqual([
        path,
        200,
        'public, max-age=31536000, immutable',
      ]);
    }
  });

  it('reloads a page after a link from another site, so that the cookie is sent', async () => {
    const visitor = await signedIn(OPERATOR);
    const held = await client().get('/console/callbacks', { 'sec-fetch-site': 'cross-site' });
    expect(await held.text()).toContain('http-equiv="refresh" content="0; url=/console/callbacks"');
    expect((await visitor.get('/console/callbacks', { 'sec-fetch-site': 'cross-site' })).status).toBe(200);
  });

  it('explains errors without details of its software', async () => {
    const visitor = await signedIn(OPERATOR);
    await query(database.url, 'ALTER TABLE service_callback_minutes RENAME TO elsewhere');
    try {
      const response = await visitor.get('/console');
      const html = await response.text();
      expect([response.status, html]).toEqual([500, expect.stringContaining('Something went wrong')]);
      expect(html).not.toMatch(/service_callback_minutes|SELECT| at /);
      await service.logs.waitFor('console.failed', {});
    } finally {
      await query(database.url, 'ALTER TABLE elsewhere RENAME TO service_callback_minutes');
    }
  });

  it('looks at a bounded number of callbacks for a type, and goes on with older ones', async () => {
    const serviceId = randomUUID();
    await insertGivenUp(database.url, { serviceId, count: 10_000 });
    const visitor = await signedIn(OPERATOR);
    const page = async (address: string) => (await visitor.get(address)).text();
    const first = await page(`/console/callbacks?service=${serviceId}&type=complaint`);
    expect(first).toContain('No callback matches so far');
    const [, older = ''] = /href="([^"]+)" rel="next"/.exec(first) ?? [];
    expect(await page(older.replaceAll('&amp;', '&'))).toMatch(/No callback matches<(?![^]*rel="next")/);
  });

  it('slows down guesses of tokens, whatever address a header claims', async () => {
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
