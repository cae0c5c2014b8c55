import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { apiJourney, type JourneyStep } from '../support/api-journey.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { restApi, startTestService, type RestApi, type TestService } from '../support/service.js';
import { startBrowser, visit } from './support/browser.js';

const TOKEN = 'the-token-of-the-journey';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
}

describe('/docs, in a browser', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let api: RestApi;
  let browser: Browser;
  let operations: ReadonlyMap<string, Operation>;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, { API_TOKENS: TOKEN, CALLBACK_MAX_RETRIES: '0' });
    const headers = { authorization: `Bearer ${TOKEN}` };
    api = {
      ...restApi(service.url),
      call: (method, path, body) => service.call(method, path, body, headers),
    };
    const { paths } = (await service.call<Document>('GET', '/docs-json')).body;
    const described = Object.values(paths).flatMap((methods) => Object.values(methods));
    operations = new Map(described.map((operation) => [operation.operationId, operation]));
    browser = await startBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await service.stop();
    await receiver.close();
    await database.drop();
  }, 60_000);

  async function authorize(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    const dialog = page.locator('.modal-ux');
    await dialog.locator('#auth-bearer-value').fill(TOKEN);
    await dialog.getByRole('button', { name: 'Apply credentials' }).click();
    await dialog.locator('.btn-done').click();
  }

  /** @returns the status that the page shows, and the response's body */
  async function execute(page: Page, { operation: id, parameters = {}, body }: JourneyStep) {
    const tag = operations.get(id)?.tags[0]?.replaceAll(' ', '_');
    const block = page.locator(`[id="operations-${tag}-${id}"]`);
    const summary = block.locator('.opblock-summary-control');
    await summary.click();
    await block.locator('.try-out__btn').first().click();
    for (const [name, value] of Object.entries(parameters)) {
      await block.locator(`tr[data-param-name="${name}"] input`).fill(value);
    }
    // The page fills in the examples of the filters, which match nothing here.
    for (const filter of await block.locator('tr[data-param-in="query"] input').all()) await filter.fill('');
    if (body !== undefined) await block.locator('textarea.body-param__text').fill(JSON.stringify(body));
    const [response] = await Promise.all([
      page.waitForResponse((received) => received.url().startsWith(service.url)),
      block.locator('.execute').click(),
    ]);
    const shown = await block.locator('.live-responses-table .response-col_status').last().innerText();
    // A page with many open operations is slow.
    await summary.click();
    return { shown, text: await response.text() };
  }

  it('calls every operation from its own page, after Authorize', async () => {
    const called = new Set<string>();
    await visit(browser, {}, async ({ page }) => {
      await page.goto(`${service.url}/docs`);
      await page.getByRole('heading', { name: /Service Callbacks/ }).waitFor();
      await authorize(page);
      for await (const step of apiJourney({ service, api, receiver })) {
        if (called.has(step.operation)) continue;
        const { shown, text } = await execute(page, step);
        // For a status code that is not documented, the page would say so.
        expect({ step, shown, text }).toMatchObject({ shown: String(step.status) });
        step.learn?.(JSON.parse(text) as Parameters<NonNullable<JourneyStep['learn']>>[0]);
        called.add(step.operation);
      }
    });
    expect([...called].toSorted()).toEqual([...operations.keys()].toSorted());
  }, 180_000);

  it('shows the requests that receivers get, with a signed sample', async () => {
    await visit(browser, {}, async ({ page }) => {
      await page.goto(`${service.url}/docs`);
      await page.getByText('The status of a notification changed').click();
      const sample = page.getByText('webhook-signature: v1,').first();
      expect(await sample.innerText()).toMatch(/webhook-signature: v1,.*"notification_type":"email"/s);
    });
  });
});
