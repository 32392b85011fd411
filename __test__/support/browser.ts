import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core';

import { CHROMIUM_FLAGS, findChromium } from '../../scripts/chromium';
import { startCollector } from '../../tools/collector';
import type { Collector } from '../../tools/collector/types';

/** The tests that need a browser; left out only where that was asked for. */
export const inBrowser = process.env.FLUE_BRAINTRUST_NO_BROWSER ? describe.skip : describe;

/** A text that would run as HTML, as an attribute or as a template. */
export const HOSTILE = `<img src=x onerror=alert(1)><script>alert(2)</script>"'\`&lt;\${alert(3)}`;

/**
 * How long a page is waited for, in milliseconds. After a slow answer it rests three times as long, up to half a minute,
 * and a busy machine makes all answers slow.
 */
const PAGE_MS = 180_000;

/** Starts the browser; fails where there is none. */
export function launch(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error(
      'Chromium was not found: `node scripts/setup.mjs --tests` shows how to get it; ' +
        'FLUE_BRAINTRUST_NO_BROWSER=1 leaves these tests out',
    );
  }
  return chromium.launch({ executablePath, args: CHROMIUM_FLAGS, timeout: PAGE_MS });
}

/** Opens a window of a size. */
export async function openWindow(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1300, height: 700 } });
  context.setDefaultTimeout(PAGE_MS);
  return context;
}

/** Collects what goes wrong in a page: exceptions, console errors and refused contents. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return faults;
}

/** Holds back the answers to the requests that match, until `go` is called. */
export async function holdAnswers(page: Page, url: string | RegExp) {
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  let noteRequest = () => {};
  const asked = new Promise<void>((resolve) => (noteRequest = resolve));
  await page.route(url, async (route) => {
    noteRequest();
    await held;
    // The page may wait for it no more.
    await route.continue().catch(() => {});
  });
  return { asked, go };
}

/** Waits until the page has drawn what it has got. */
export function drawn(page: Page) {
  return page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
  );
}

/** A page of a collector's viewer. `faults` collects what goes wrong in the page. */
export interface OpenPage {
  context: BrowserContext;
  collector: Collector;
  page: Page;
  faults: string[];
}

/** Opens a page in a window of its own for each test of a suite. The collector is new, too. */
export function openPageForEachTest(use: (opened: OpenPage) => unknown) {
  let browser: Browser;
  let context: BrowserContext;
  let collector: Collector;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    collector = await startCollector();
    context = await openWindow(browser);
    const page = await context.newPage();
    use({ context, collector, page, faults: faultsOf(page) });
  });
  afterEach(async () => {
    await context.close();
    await collector.close();
  });
}
