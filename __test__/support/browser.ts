import { type Browser, type Page, chromium } from 'playwright-core';

import { CHROMIUM_FLAGS, findChromium } from '../../scripts/chromium';

/** The tests that need a browser; left out only where that was asked for. */
export const inBrowser = process.env.FLUE_BRAINTRUST_NO_BROWSER ? describe.skip : describe;

/** A text that would run as HTML, as an attribute or as a template. */
export const HOSTILE = `<img src=x onerror=alert(1)><script>alert(2)</script>"'\`&lt;\${alert(3)}`;

/** Starts the browser; fails where there is none. */
export function launch(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error(
      'Chromium was not found: `node scripts/setup.mjs --tests` shows how to get it; ' +
        'FLUE_BRAINTRUST_NO_BROWSER=1 leaves these tests out',
    );
  }
  return chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
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
