import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** Set by the Jest project `browser`. */
declare const chromiumPath: string;

/** Ours, and room for a slow machine, ms. */
const TIMEOUT_MS = 15_000;

export type Theme = 'light' | 'dark';

export interface VisitOptions {
  readonly theme?: Theme;
  readonly width?: number;
  readonly javaScript?: boolean;
  /** What the browser may complain of: it calls a response of 404 an error. */
  readonly expected?: RegExp;
}

/** A person's browser window: its own cookies, and every complaint of its console. */
export interface Visit {
  readonly page: Page;
  /** Errors and warnings of the console, and requests that left this machine. */
  readonly complaints: readonly string[];
}

/** As root Chromium has no sandbox of its own. */
export function startBrowser(): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: chromiumPath, args, timeout: 60_000 });
}

/**
 * A person with a browser window of their own.
 * @throws Error naming the unexpected complaints of the browser
 */
export async function visit<T>(
  browser: Browser,
  options: VisitOptions,
  use: (visit: Visit) => Promise<T>,
): Promise<T> {
  const { theme = 'light', width = 1440, javaScript = true } = options;
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: theme,
    javaScriptEnabled: javaScript,
    reducedMotion: 'reduce',
  });
  try {
    context.setDefaultTimeout(TIMEOUT_MS);
    const complaints: string[] = [];
    const page = await context.newPage();
    listen(context, page, complaints);
    const result = await use({ page, complaints });
    const unexpected = complaints.filter((words) => !options.expected?.test(words));
    if (unexpected.length > 0) throw new Error(`The browser complained: ${unexpected.join('; ')}`);
    return result;
  } finally {
    await context.close();
  }
}

export async function signIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(`${url}/console`);
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
}

interface Violation {
  readonly id: string;
  readonly targets: readonly string[];
}

/** Violations that axe-core finds on the current page, at WCAG 2.2 A and AA. */
export async function violationsOn(page: Page): Promise<readonly Violation[]> {
  if (!(await evaluateIn<boolean>(page, "'axe' in globalThis"))) await evaluateIn(page, `${axe.source}; 0`);
  return evaluateIn<readonly Violation[]>(
    page,
    `axe.run(document, {
       resultTypes: ['violations'],
       runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
     }).then(({ violations }) =>
       violations.map(({ id, nodes }) => ({
         id,
         targets: nodes.map(({ target, failureSummary }) => target + ': ' + failureSummary),
       })))`,
  );
}

export interface Focus {
  readonly text: string;
  /** It has an outline that can be seen. */
  readonly isSeen: boolean;
}

export function focusOn(page: Page): Promise<Focus> {
  return evaluateIn<Focus>(
    page,
    `(() => {
       const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
       return {
         text: document.activeElement.textContent.trim(),
         isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
       };
     })()`,
  );
}

/** By how many pixels the page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return evaluateIn<number>(page, 'document.documentElement.scrollWidth - innerWidth');
}

/**
 * Through the debugger's protocol, to which the page's content-security-policy does not apply. The expression is a
 * text, because this code is compiled for Node, which has no `document`.
 */
async function evaluateIn<T>(page: Page, expression: string): Promise<T> {
  const debug = await page.context().newCDPSession(page);
  try {
    const { result, exceptionDetails } = await debug.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as T;
  } finally {
    await debug.detach();
  }
}

function listen(context: BrowserContext, page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  context.on('request', (request) => {
    const { hostname } = new URL(request.url());
    if (hostname !== '127.0.0.1') complaints.push(`third party: ${request.url()}`);
  });
}
