/**
 * Makes docs/images/viewer.png: runs the demo's agent against a collector, and photographs its trace in
 * headless Chromium.
 *
 *     npm run screenshot
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import collectors from '../tools/collector/index.js';
import { CHROMIUM_FLAGS, findChromium } from './chromium.js';
import { programs } from './demo-programs.mjs';

const SIZE = { width: 1200, height: 640 };
const images = new URL('../docs/images/', import.meta.url);
const [agent] = programs;

const collector = await collectors.startCollector();
const env = {
  ...process.env,
  BRAINTRUST_API_KEY: 'demo',
  BRAINTRUST_APP_URL: collector.url,
  BRAINTRUST_API_URL: collector.url,
};
const child = spawn(process.execPath, [fileURLToPath(agent.file)], { env, stdio: 'ignore' });
const [code] = await once(child, 'exit');
if (code !== 0) throw new Error(`the demo's agent ended with ${code}`);
await collector.waitFor(() => collector.traces().some(({ finished }) => finished));

const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS });
try {
  const page = await browser.newPage({ viewport: SIZE });
  await page.goto(collector.url);
  await page.getByText(agent.root).click();
  await page.getByRole('row', { name: 'llm:moss-1' }).nth(1).click();
  await page.getByRole('article').first().waitFor();
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: fileURLToPath(new URL('viewer.png', images)) });
} finally {
  await browser.close();
  await collector.close();
}
