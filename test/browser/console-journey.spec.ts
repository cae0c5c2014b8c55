import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Locator, Page } from 'playwright-core';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { enqueueAs, RETRYING } from '../support/enqueue-as.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, status, type Receiver } from '../support/receiver.js';
import {
  causeCallback,
  createNotification,
  registerCallbackApi,
  sendReceipt,
  type RegisteredCallbackApi,
  type SentCallback,
} from '../support/scenario.js';
import { restApi, startTestService, type RestApi, type TestService } from '../support/service.js';
import { focusOn, signIn, startBrowser, visit, type VisitOptions } from './support/browser.js';
import { givenUpCallbacks } from './support/given-up-callbacks.js';

const OPERATOR = 'the-token-of-an-operator';
const OURS = { serviceId: randomUUID(), token: 'the-token-of-our-service' } as const;
const READ_ONLY = { serviceId: randomUUID(), token: 'the-token-of-a-reader' } as const;
const THEIRS = { serviceId: randomUUID() } as const;

/** Each has an endpoint of its own. */
const TEAMS = {
  'with a mouse': { serviceId: randomUUID(), token: 'the-token-of-team-1' },
  'without JavaScript': { serviceId: randomUUID(), token: 'the-token-of-team-2' },
  'on a phone': { serviceId: randomUUID(), token: 'the-token-of-team-3' },
  'by keyboard': { serviceId: randomUUID(), token: 'the-token-of-team-4' },
} as const;

/** Slow enough that a person sees it move. */
const REPLAYS_A_SECOND = 3;

describe('the console, in a browser', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let api: RestApi;
  let browser: Browser;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      API_TOKENS: [
        OPERATOR,
        ...[OURS, ...Object.values(TEAMS)].map(({ token, serviceId }) => `${token}@${serviceId}`),
        `${READ_ONLY.token}@${READ_ONLY.serviceId}:callbacks:read`,
      ].join(),
      CALLBACK_MAX_RETRIES: '0',
      CALLBACK_REPLAY_RATE: String(REPLAYS_A_SECOND),
    });
    api = withToken(restApi(service.url), OPERATOR);
    browser = await startBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await service.stop();
    await receiver.close();
    await database.drop();
  }, 60_000);

  /** Actions of a signed-in person. */
  function as<T>(token: string, use: (page: Page) => Promise<T>, options: VisitOptions = {}): Promise<T> {
    return visit(browser, options, async ({ page }) => {
      await signIn(page, service.url, token);
      return use(page);
    });
  }

  /** An endpoint of this service that responded with 503 to a number of callbacks, all given up. */
  async function broken(serviceId: string, path: string, count: number) {
    receiver.respond(path, 503);
    const endpoint = await registerCallbackApi(api, { serviceId, url: receiver.url(path) });
    const ids = await givenUpCallbacks(api, service.logs, endpoint.serviceId, count);
    return { endpoint, ids };
  }

  const arrivedAt = (path: string) => receiver.requests.filter((request) => request.path === path);

  /**
   * Goes from the overview to the reason in two clicks, sends a test, and replays the given-up callbacks.
   * @returns the ids of the callbacks that then arrive
   */
  async function fix(page: Page, { url }: RegisteredCallbackApi, path: string, count: number) {
    await page.getByRole('link', { name: url }).first().click();
    await page.getByText(/Failing since \d\d:\d\d: 503 Service Unavailable/).waitFor();

    receiver.respond(path, 200);
    await page.getByRole('button', { name: 'Send a test callback' }).click();
    await page.getByRole('heading', { name: 'Test callback' }).waitFor();
    await page.getByText('200 OK').waitFor();
    expect(arrivedAt(path).at(-1)?.headers).toMatchObject({ 'webhook-test': 'true' });

    await page.getByRole('button', { name: `Replay its ${count} given-up callbacks` }).click();
    await page.getByRole('heading', { name: `Replay ${count} given-up callbacks?` }).waitFor();
    await page.getByRole('button', { name: `Replay ${count} given-up callbacks` }).click();
    await page.getByRole('heading', { name: `Replay of ${count} callbacks` }).waitFor();
    await page.getByText(`All ${count} delivered.`).waitFor();
    const requests = await receiver.waitForRequests(2 * count + 1, { path });
    return requests.slice(count + 1).map(({ headers }) => headers['webhook-id']);
  }

  it('leads an operator from the failing endpoint to callbacks that arrive', async () => {
    const { endpoint, ids } = await broken(randomUUID(), '/operator', 8);
    const arrived = await as(OPERATOR, (page) => fix(page, endpoint, '/operator', ids.length));
    expect(new Set(arrived)).toEqual(new Set(ids));
  }, 90_000);

  it('does the same without JavaScript', async () => {
    const { endpoint, ids } = await broken(randomUUID(), '/plain', 8);
    const arrived = await as(OPERATOR, (page) => fix(page, endpoint, '/plain', ids.length), {
      javaScript: false,
    });
    expect(new Set(arrived)).toEqual(new Set(ids));
  }, 90_000);

  it('says whose fault it is in one line, and tests the worst endpoint in one click', async () => {
    const { endpoint } = await broken(randomUUID(), '/one-look', 1);
    await as(OPERATOR, async (page) => {
      const standing = page.locator('.standing');
      await standing.getByText('Platform well').waitFor();
      expect(await standing.textContent()).toMatch(/\d+ endpoints? failing.*\d × 503 Service Unavailable/);
      await standing.getByRole('link', { name: /failing$/ }).click();
      expect(new URL(page.url()).searchParams.get('state')).toBe('failing');
      receiver.respond('/one-look', 200);
      await page.getByRole('button', { name: `Send a test callback to ${endpoint.url}` }).click();
      await page.getByRole('heading', { level: 1, name: endpoint.url }).waitFor();
      await page.getByText('200 OK').waitFor();
      expect(await page.title()).toMatch(/^\S+: 127\.0\.0\.1:\d+\/one-look, delivery status/);
    });
  }, 60_000);

  it.each([true, false])(
    'finds a callback by the id it shows, by its notification and by its reference (JavaScript: %s)',
    async (javaScript) => {
      const path = `/found-${javaScript}`;
      const endpoint = await registerCallbackApi(api, { url: receiver.url(path) });
      const reference = `Case ${randomUUID()}`;
      const notification = await createNotification(api, endpoint.serviceId, { reference });
      const { callback } = await sendReceipt(api, notification.id);
      const id = callback.queued ? callback.id : '';
      await receiver.waitForRequests(1, { path });
      await as(
        OPERATOR,
        async (page) => {
          for (const text of [id, id.slice(0, 18), notification.id, notification.id.slice(0, 8), reference]) {
            await page.getByRole('searchbox', { name: 'Search by id, notification or reference' }).fill(text);
            await page.keyboard.press('Enter');
            await page.getByText(id).first().waitFor();
            expect(new URL(page.url()).pathname).toBe(
              `/console/services/${endpoint.serviceId}/callbacks/${id}`,
            );
          }
          await page.getByRole('searchbox').fill(endpoint.id.slice(0, 8));
          await page.keyboard.press('Enter');
          await page.getByRole('heading', { level: 1, name: endpoint.url }).waitFor();
          await page.getByRole('searchbox').fill('no such thing');
          await page.getByRole('button', { name: 'Search' }).click();
          await page.getByText('Nothing found for “no such thing”').waitFor();
        },
        { javaScript },
      );
    },
    60_000,
  );

  it('copies an id, and reads the figures of a bar by pointer and by keyboard', async () => {
    const { endpoint } = await broken(randomUUID(), '/copied', 1);
    await as(OPERATOR, async (page) => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.getByRole('link', { name: endpoint.url }).first().click();
      await page.getByRole('button', { name: 'Copy the endpoint id' }).click();
      await page.getByText('Copied', { exact: true }).waitFor();
      await page.getByRole('searchbox').focus();
      await page.keyboard.press('ControlOrMeta+V');
      expect(await page.getByRole('searchbox').inputValue()).toBe(endpoint.id);

      const reading = page.locator('.reading');
      await page.locator('.chart g').last().hover();
      expect(await reading.textContent()).toMatch(/^\d\d:\d\d: 0 delivered, 1 given up, 1 failed attempt/);
      await page.locator('.chart g').last().focus();
      await page.keyboard.press('ArrowLeft');
      expect(await reading.textContent()).toMatch(/^\d\d:\d\d: 0 delivered, 0 given up, 0 failed attempts/);
    });
  }, 60_000);

  it('shows a service team only its own endpoints', async () => {
    const { endpoint, ids } = await broken(OURS.serviceId, '/ours', 2);
    const theirs = await registerCallbackApi(api, {
      serviceId: THEIRS.serviceId,
      url: receiver.url('/theirs'),
    });
    await as(OURS.token, async (page) => {
      expect(await page.getByRole('link', { name: theirs.url }).count()).toBe(0);
      expect(await page.getByText('In flight').count()).toBe(0);
      expect(new Set(await fix(page, endpoint, '/ours', ids.length))).toEqual(new Set(ids));
      const address = `${service.url}/console/services/${theirs.serviceId}/endpoints/${theirs.id}`;
      const response = await page.request.get(address);
      expect([response.status(), await response.text()]).toEqual([404, expect.stringContaining('Not found')]);
    });
  }, 90_000);

  it('shows no action buttons to a read-only token', async () => {
    const { endpoint } = await broken(READ_ONLY.serviceId, '/read-only', 1);
    await as(READ_ONLY.token, async (page) => {
      await page.getByRole('link', { name: endpoint.url }).first().click();
      await page.getByRole('heading', { level: 1, name: endpoint.url }).waitFor();
      expect(await buttonsOf(page)).toEqual(['Search', 'Sign out', 'Filter']);
      await page.getByRole('link', { name: 'Given up', exact: true }).click();
      await page.getByRole('heading', { level: 1, name: 'Given up' }).waitFor();
      expect(await buttonsOf(page)).toEqual(['Search', 'Sign out', 'Filter']);
    });
  }, 60_000);

  it('stops a replay, and keeps the callbacks that were not queued', async () => {
    const { endpoint, ids } = await broken(randomUUID(), '/stopped', 12);
    receiver.respond('/stopped', 200);
    const list = `${service.url}/console/dead-letters?service=${endpoint.serviceId}`;
    await as(OPERATOR, async (page) => {
      await page.goto(list);
      await page.getByLabel('All 12 that match').check();
      await page.getByRole('button', { name: 'Replay selected' }).click();
      await page.getByRole('button', { name: 'Replay 12 given-up callbacks' }).click();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByText('still to be sent stay given up').waitFor();
      await page.goto(list);
      const kept = await page.getByRole('checkbox', { name: /^Callback / }).count();
      expect(kept).toBeGreaterThan(0);
      // A replayed one is no dead letter any more.
      const replayed = ids.length - kept;
      await receiver.waitForRequests(ids.length + replayed, { path: '/stopped' });
      await eventually(async () => {
        await page.goto(`${service.url}/console/callbacks?service=${endpoint.serviceId}&state=delivered`);
        const delivered = page.locator('.badge', { hasText: 'Delivered' });
        expect(await delivered.count()).toBeGreaterThanOrEqual(replayed);
      });
    });
  }, 90_000);

  it('deletes what is selected, after a confirmation', async () => {
    const { endpoint } = await broken(randomUUID(), '/deleted', 3);
    await as(OPERATOR, async (page) => {
      await page.goto(`${service.url}/console/dead-letters?service=${endpoint.serviceId}`);
      await page.getByRole('button', { name: 'Delete selected' }).click();
      await page.getByText('Select at least one callback').waitFor();
      const boxes = page.getByRole('checkbox', { name: /^Callback / });
      await boxes.nth(0).check();
      await boxes.nth(1).check();
      await page.getByRole('button', { name: 'Delete selected' }).click();
      await page.getByRole('heading', { name: 'Delete 2 given-up callbacks?' }).waitFor();
      await page.getByRole('button', { name: 'Delete 2 given-up callbacks' }).click();
      await page.getByText('2 given-up callbacks deleted').waitFor();
      expect(await boxes.count()).toBe(1);
    });
  }, 60_000);

  it('rotates the signing secret and shows it once; disables and enables', async () => {
    const endpoint = await registerCallbackApi(api, { url: receiver.url('/switched') });
    await as(OPERATOR, async (page) => {
      await page.getByRole('link', { name: endpoint.url }).first().click();
      const rotate = page.getByRole('button', { name: 'Rotate the signing secret' });
      const question = page.getByRole('heading', { name: 'Rotate the signing secret?' });
      const secret = page.getByRole('region', { name: 'Signing secret' });
      await rotate.click();
      await question.waitFor();
      expect(await page.getByText('The last rotation is not over').count()).toBe(0);
      await rotate.click();
      const shown = await secret.textContent();
      expect(shown).toMatch(/^whsec_/);
      // A reload sends the form of the page again.
      await page.reload();
      await question.waitFor();
      expect(await page.getByText('The secret has just been rotated').count()).toBe(1);
      expect(await page.getByText('The last rotation is not over').count()).toBe(1);
      await rotate.click();
      expect(await secret.textContent()).not.toBe(shown);
      await disable(page);
      expect(await secret.count()).toBe(0);
      await page.getByRole('button', { name: 'Enable', exact: true }).click();
      await page.getByText('The endpoint is enabled').waitFor();
    });
  }, 60_000);

  it('enables an endpoint and replays its dead letters', async () => {
    const endpoint = await registerCallbackApi(api, { url: receiver.url('/kept') });
    await as(OPERATOR, async (page) => {
      await page.getByRole('link', { name: endpoint.url }).first().click();
      await disable(page);
      const ids = await givenUpCallbacks(api, service.logs, endpoint.serviceId, 2);
      expect(arrivedAt('/kept')).toEqual([]);
      await page.getByRole('link', { name: 'Overview' }).first().click();
      await page.getByText('1 disabled', { exact: true }).waitFor();
      expect(await page.getByText('No endpoint is failing').count()).toBe(0);
      await page.getByRole('link', { name: endpoint.url }).first().click();
      const enable = page.getByRole('button', { name: 'Enable and replay 2', exact: true });
      await enable.click();
      await page.getByRole('heading', { name: 'Enable this endpoint and replay 2 callbacks?' }).waitFor();
      await enable.click();
      await page.getByText('The endpoint is enabled').waitFor();
      await page.getByText('All 2 delivered.').waitFor();
      await page.getByRole('link', { name: 'To the endpoint' }).click();
      await page.getByRole('heading', { level: 1, name: endpoint.url }).waitFor();
      const arrived = await receiver.waitForRequests(2, { path: '/kept' });
      expect(new Set(arrived.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(ids));
    });
  }, 60_000);

  it("keeps an endpoint's page up to date by itself, and keeps the result of an action on it", async () => {
    receiver.respond('/watched', 503);
    const endpoint = await registerCallbackApi(api, { url: receiver.url('/watched') });
    await as(OPERATOR, async (page) => {
      await page.clock.install();
      await page.getByRole('link', { name: endpoint.url }).first().click();
      await page.getByRole('button', { name: 'Send a test callback' }).click();
      await page.getByRole('heading', { name: 'Test callback' }).waitFor();
      await page.getByRole('textbox', { name: 'Subject id' }).fill('half a wor');
      await givenUpCallbacks(api, service.logs, endpoint.serviceId, 2);
      await eventually(async () => {
        await page.clock.fastForward(15_000);
        await page.getByText(/Failing since \d\d:\d\d: 503/).waitFor({ timeout: 1_000 });
      });
      expect(await page.getByRole('button', { name: 'Replay its 2 given-up callbacks' }).count()).toBe(1);
      expect(await page.getByRole('heading', { name: 'Test callback' }).count()).toBe(1);
      expect(await page.getByRole('textbox', { name: 'Subject id' }).inputValue()).toBe('half a wor');
    });
  }, 60_000);

  /** A callback that was rejected, of a service that has others. */
  async function rejected(serviceId: string, path: string) {
    receiver.respond(path, status(422, { headers: { server: 'legacy/1' }, body: 'unknown template' }));
    await registerCallbackApi(api, { serviceId, url: receiver.url(path) });
    await givenUpCallbacks(api, service.logs, serviceId, 2);
    const sent = await causeCallback(api, serviceId);
    await service.logs.waitForEnd(sent.id);
    return sent;
  }

  /** Finds a callback by its subject, reads why it failed, and replays it until it arrives. */
  async function replayOne(page: Page, path: string, { notificationId }: SentCallback, press: Press) {
    await page.goto(`${service.url}/console/callbacks`);
    await page.getByRole('textbox', { name: 'Subject id' }).fill(notificationId);
    await press(page, page.getByRole('button', { name: 'Filter' }));
    const row = page.locator('tbody tr');
    await row.getByText('Rejected (422 Unprocessable Entity), not retried').waitFor();
    expect(await row.count()).toBe(1);
    await press(page, row.locator('a.row-link'));
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await page.getByText('unknown template').waitFor();
    await page.getByText('server: legacy/1').waitFor();
    await page.getByText('"to": "[masked]"').waitFor();
    receiver.respond(path, 200);
    await press(page, page.getByRole('button', { name: 'Replay' }));
    await page.getByText('It is delivered').waitFor();
    await page.getByText('Replayed', { exact: true }).waitFor();
    await page.getByText('200 OK').first().waitFor();
  }

  it.each([
    ['with a mouse', {}, click],
    ['without JavaScript', { javaScript: false }, click],
    ['on a phone', { width: 360 }, click],
    ['by keyboard', {}, byKeyboard],
  ] as const)(
    'lets a team find one callback, read why it failed, and replay it: %s',
    async (how, options, press) => {
      const path = `/${how.replaceAll(' ', '-')}`;
      const sent = await rejected(TEAMS[how].serviceId, path);
      await as(TEAMS[how].token, (page) => replayOne(page, path, sent, press), options);
      expect(arrivedAt(path).at(-1)?.headers['webhook-id']).toBe(sent.id);
    },
    60_000,
  );

  it.each([true, false])(
    'sends what waits for its retry, and what is held, at the press of a button (JavaScript: %s)',
    async (javaScript) => {
      const path = `/retried-${javaScript}`;
      const { serviceId, id } = await registerCallbackApi(api, { url: receiver.url(path) });
      const retryNow = async (page: Page, callbackId: string, state: string) => {
        await page.goto(`${service.url}/console/services/${serviceId}/callbacks/${callbackId}`);
        await page.getByRole('status').getByText(state, { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Retry now' }).click();
        await page.getByText('It is delivered').waitFor();
        expect(await page.getByRole('button', { name: 'Retry now' }).count()).toBe(0);
        expect(arrivedAt(path).at(-1)?.headers['webhook-id']).toBe(callbackId);
      };
      await as(
        OPERATOR,
        async (page) => {
          await retryNow(page, await enqueueAs(service, serviceId, RETRYING), 'Retrying');

          receiver.respond(path, status(503, { headers: { 'retry-after': '3600' } }));
          await givenUpCallbacks(api, service.logs, serviceId, 1);
          await service.logs.waitFor('endpoint.held', { callback_api_id: id });
          const held = await causeCallback(api, serviceId);
          await service.logs.waitFor('callback.deferred', { callback_id: held.id });
          receiver.respond(path, 200);
          await retryNow(page, held.id, 'Deferred');
        },
        { javaScript },
      );
    },
    60_000,
  );

  it('shows the personal fields of a body on request, to a token that could send it elsewhere', async () => {
    const serviceId = randomUUID();
    const { endpoint, ids } = await broken(serviceId, '/personal', 1);
    const address = `${service.url}/console/services/${endpoint.serviceId}/callbacks/${ids[0]}`;
    await as(OPERATOR, async (page) => {
      await page.goto(address);
      expect(await page.getByText('recipient@example.com').count()).toBe(0);
      await page.getByRole('link', { name: 'Show personal fields' }).click();
      await page.getByText('"to": "recipient@example.com"').waitFor();
      await page.getByText('As a command').click();
      const command = await page.getByRole('region', { name: 'As a command' }).textContent();
      expect(command).toContain('recipient@example.com');
      const copy = page.getByRole('button', { name: 'Copy the command' });
      expect(await copy.getAttribute('data-copy')).toBe(command);
    });
  }, 60_000);

  it('works by keyboard only, with a visible focus', async () => {
    const { endpoint } = await broken(randomUUID(), '/keys', 1);
    await visit(browser, {}, async ({ page }) => {
      await page.goto(`${service.url}/console`);
      // The browser gives it the focus when it first draws the page, which may be after it is loaded.
      await page.locator('input:focus').waitFor();
      await page.keyboard.type(OPERATOR);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();

      await page.keyboard.press('Tab');
      expect(await focusOn(page)).toMatchObject({ text: 'Skip to content', isSeen: true });
      await page.keyboard.press('Enter');
      await tabTo(page, endpoint.url);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: endpoint.url }).waitFor();
      await tabTo(page, 'Send a test callback');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Test callback' }).waitFor();
    });
  }, 60_000);
});

/** How a person presses a button or follows a link. */
type Press = (page: Page, target: Locator) => Promise<void>;

async function click(_page: Page, target: Locator): Promise<void> {
  await target.click();
}

/** Moves to the target with Tab, and presses Enter. */
async function byKeyboard(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  await tabTo(page, (await target.textContent())?.trim() ?? '');
  await page.keyboard.press('Enter');
}

/** The words on the buttons; a copy button has only a picture. */
async function buttonsOf(page: Page): Promise<readonly string[]> {
  return (await page.getByRole('button').allTextContents()).filter((words) => words !== '');
}

/** Presses a button and confirms. */
async function disable(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: 'Disable', exact: true });
  await button.click();
  await page.getByRole('heading', { name: 'Disable this endpoint?' }).waitFor();
  await button.click();
  await page.getByText('The endpoint is disabled').waitFor();
}

/** Presses Tab until the wanted element has the focus; at each stop the focus must be visible. */
async function tabTo(page: Page, wanted: string): Promise<void> {
  for (let stops = 0; stops < 300; stops += 1) {
    await page.keyboard.press('Tab');
    const { text, isSeen } = await focusOn(page);
    expect({ text, isSeen }).toEqual({ text, isSeen: true });
    if (text === wanted) return;
  }
  throw new Error(`No Tab led to ${wanted}`);
}

function withToken(rest: RestApi, token: string): RestApi {
  return {
    ...rest,
    call: (method, path, body, headers) =>
      rest.call(method, path, body, { authorization: `Bearer ${token}`, ...headers }),
  };
}
