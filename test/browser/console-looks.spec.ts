import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { seedWeek } from '../../scripts/demo/seed-week.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startTestService, TEST_ENVIRONMENT, type TestService } from '../support/service.js';
import { overflowOf, signIn, startBrowser, violationsOn, visit, type Theme } from './support/browser.js';

const OPERATOR = 'the-token-of-an-operator';
const THEMES: readonly Theme[] = ['dark', 'light'];
/** The last view has the theme and the width of a new window. */
const VIEWS = [360, 1440].flatMap((width) => THEMES.map((theme) => ({ theme, width })));

/** The README's pictures are made on request: a test run leaves the checkout as it is. */
const SCREENSHOTS = process.env['SCREENSHOTS'] === undefined ? undefined : 'docs/images';
const PICTURES: ReadonlySet<string> = new Set([
  'console-overview-light-1440.png',
  'console-overview-dark-360.png',
  'console-endpoint-tested-light-1440.png',
  'console-callback-light-1440.png',
  'console-replay-light-1440.png',
]);

/** Each page of the console, on a week of made-up callbacks, and how a person gets there. */
const pages: readonly {
  readonly name: string;
  readonly go: (page: Page, url: string) => Promise<unknown>;
}[] = [
  { name: 'overview', go: (page, url) => page.goto(`${url}/console`) },
  {
    name: 'overview-tables',
    go: async (page, url) => {
      await page.goto(`${url}/console`);
      for (const summary of await page.getByText('As a table').all()) await summary.click();
    },
  },
  {
    name: 'overview-no-endpoint',
    go: (page, url) => page.goto(`${url}/console?text=nowhere&state=failing`),
  },
  { name: 'search', go: (page, url) => page.goto(`${url}/console/search?q=a`) },
  { name: 'search-nothing', go: (page, url) => page.goto(`${url}/console/search?q=nothing`) },
  { name: 'endpoint', go: openWorst },
  {
    name: 'disable',
    go: async (page, url) => {
      await openWorst(page, url);
      await page.getByRole('button', { name: 'Disable' }).click();
      await page.getByRole('heading', { name: 'Disable this endpoint?' }).waitFor();
    },
  },
  {
    name: 'endpoint-tested',
    go: async (page, url) => {
      await openWorst(page, url);
      await page.getByRole('button', { name: 'Send a test callback' }).click();
      await page.getByRole('heading', { name: 'Test callback' }).waitFor();
    },
  },
  {
    name: 'rotate',
    go: async (page, url) => {
      await openWorst(page, url);
      await page.getByRole('button', { name: 'Rotate the signing secret' }).click();
      await page.getByRole('heading', { name: 'Rotate the signing secret?' }).waitFor();
    },
  },
  {
    name: 'rotated',
    go: async (page, url) => {
      await openWorst(page, url);
      const rotate = page.getByRole('button', { name: 'Rotate the signing secret' });
      await rotate.click();
      await page.getByRole('heading', { name: 'Rotate the signing secret?' }).waitFor();
      await rotate.click();
      await page.getByRole('region', { name: 'Signing secret' }).waitFor();
    },
  },
  { name: 'callbacks', go: (page, url) => page.goto(`${url}/console/callbacks`) },
  {
    name: 'callbacks-bad-filter',
    go: (page, url) =>
      page.goto(`${url}/console/callbacks?since=yesterday&state=unheard-of&endpoint=nothing`),
  },
  {
    name: 'callback',
    go: async (page, url) => {
      await page.goto(`${url}/console/callbacks?state=retrying`);
      await page.locator('tbody a.row-link').nth(2).click();
      await page.getByRole('heading', { name: 'What happened' }).waitFor();
      await page.getByText('As a command').click();
    },
  },
  { name: 'dead-letters', go: (page, url) => page.goto(`${url}/console/dead-letters`) },
  { name: 'dead-letters-none', go: (page, url) => page.goto(`${url}/console/dead-letters?reason=stalled`) },
  {
    name: 'delete',
    go: async (page, url) => {
      await page.goto(`${url}/console/dead-letters?reason=not_retried`);
      await page.getByLabel(/that match$/).check();
      await page.getByRole('button', { name: 'Delete selected' }).click();
      await page.getByRole('heading', { name: /^Delete / }).waitFor();
    },
  },
  {
    name: 'replay-question',
    go: async (page, url) => {
      await page.goto(`${url}/console/dead-letters`);
      await page.getByRole('checkbox').nth(1).check();
      await page.getByRole('button', { name: 'Replay selected' }).click();
      await page.getByRole('heading', { name: /^Replay 1 / }).waitFor();
    },
  },
  {
    name: 'dead-letters-none-selected',
    go: async (page, url) => {
      await page.goto(`${url}/console/dead-letters`);
      await page.getByRole('button', { name: 'Replay selected' }).click();
      await page.getByText('Select at least one callback').waitFor();
    },
  },
  {
    name: 'callback-given-up',
    go: async (page, url) => {
      await page.goto(`${url}/console/callbacks?state=given_up&reason=not_retried`);
      await page.locator('tbody a.row-link').first().click();
      await page.getByRole('heading', { name: 'What happened' }).waitFor();
    },
  },
  {
    name: 'callbacks-more',
    go: (page, url) => page.goto(`${url}/console/callbacks?reason=not_retried&period=7d`),
  },
  { name: 'nothing-there', go: (page, url) => page.goto(`${url}/console/nowhere`) },
];

describe('every page of the console', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let browser: Browser;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    receiver.respond('/passports/receipts', 503);
    const keys = TEST_ENVIRONMENT['CALLBACK_ENCRYPTION_KEYS'] ?? '';
    await seedWeek(database.url, [keys], receiver.url().replace(/\/$/, ''));
    service = await startTestService(database.url, { API_TOKENS: OPERATOR, CALLBACK_REPLAY_RATE: '4' });
    browser = await startBrowser();
    if (SCREENSHOTS) await mkdir(SCREENSHOTS, { recursive: true });
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await service.stop();
    await receiver.close();
    await database.drop();
  }, 60_000);

  it('passes WCAG 2.2 AA and fits the window, in both themes and at both widths', async () => {
    const expected = /status of 404/;
    await visit(browser, { expected }, async ({ page, complaints }) => {
      await page.goto(`${service.url}/console`);
      expect(await faultsOf(page, 'sign-in')).toEqual([]);
      await signIn(page, service.url, OPERATOR);
      for (const { name, go } of pages) {
        await go(page, service.url);
        expect(await faultsOf(page, name)).toEqual([]);
      }
      // The page that does not exist logs an error; no other page may.
      expect(complaints.filter((words) => expected.test(words))).toHaveLength(1);
    });
  }, 300_000);

  it('has space between the parts that refresh themselves', async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, service.url, OPERATOR);
      const figures = page.locator('.figures');
      const room = async () => {
        const [above, below] = [
          await figures.boundingBox(),
          await page.locator('.chart').first().boundingBox(),
        ];
        return above && below && below.y - above.y - above.height;
      };
      const onOverview = await room();
      await openWorst(page, service.url);
      expect([onOverview, await room()]).toEqual([20, 20]);
    });
  }, 60_000);

  it('shows the progress of a replay the same way', async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, service.url, OPERATOR);
      await page.goto(`${service.url}/console/dead-letters?reason=retries_exhausted`);
      await page.getByLabel(/that match$/).check();
      await page.getByRole('button', { name: 'Replay selected' }).click();
      await page.getByRole('button', { name: /^Replay / }).click();
      await page.getByText(/ so far\.$/).waitFor();
      await page.getByText('a second').waitFor();
      expect(await faultsOf(page, 'replay')).toEqual([]);
    });
  }, 60_000);

  /** Checks the page in every view. The last view leaves the window as it was. */
  async function faultsOf(page: Page, name: string): Promise<readonly object[]> {
    const faults: object[] = [];
    for (const { theme, width } of VIEWS) {
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 900 });
      const found = await violationsOn(page);
      faults.push(...found.map(({ id, targets }) => ({ name, theme, width, id, targets })));
      const overflow = await overflowOf(page);
      if (overflow > 0) faults.push({ name, theme, width, overflow });
      const file = `console-${name}-${theme}-${width}.png`;
      if (SCREENSHOTS === undefined || !PICTURES.has(file)) continue;
      await page.locator('.brand').scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(SCREENSHOTS, file) });
    }
    return faults;
  }
});

async function openWorst(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/console`);
  await page.locator('tbody a').first().click();
  await page.getByRole('heading', { name: 'Callbacks', exact: true }).waitFor();
}
