/**
 * Makes the pictures in docs/images, in headless Chromium: the trace of the demo's agent (viewer.png), and of recorded
 * agents the list (list.png), a conversation (conversation.png), a turn with what is new in it (turn.png) and a trace
 * that a crash interrupted (crash.png).
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

/** What the list and the conversation show. */
const RECORDINGS = [
  '1.0.0-beta.9/workflow-success',
  '2.1.0/multi-turn-tools-thinking',
  '2.1.0/tool-failure',
  '2.1.0/model-error',
  '2.1.0/crash-mid-task',
  '2.1.0/interleaved-agents',
  '2.1.0/task-subagent',
];

mkdirSync(images, { recursive: true });
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS });
try {
  await photograph(run(agent.file), async (page, save) => {
    await page.locator('.list-name a').first().click();
    await page.getByRole('row', { name: 'llm:moss-1' }).nth(1).click();
    await page.getByRole('article').first().waitFor();
    await save('viewer.png');
  });
  await photograph(replayAll, async (page, save) => {
    await page.getByRole('row').nth(RECORDINGS.length).waitFor();
    await save('list.png');
    await page.getByRole('button', { name: 'Group by conversation' }).click();
    await page.getByRole('row', { name: 'Compare the two harbors' }).click();
    await page.locator('.steps summary').first().click();
    await save('conversation.png');
  });
  await photograph(replayAll, async (page, save) => {
    await page.getByRole('row', { name: 'Compare the two harbors' }).click();
    await page.getByRole('row', { name: 'llm:' }).last().click();
    await page.getByRole('article').first().waitFor();
    await save('turn.png');
  });
  await photograph(replayAll, async (page, save) => {
    await page.getByRole('row', { name: 'attempt 2' }).click();
    await page
      .getByText(/attempt 1 died/)
      .first()
      .waitFor();
    await save('crash.png');
  });
} finally {
  await browser.close();
}

/**
 * @param {(env: NodeJS.ProcessEnv) => Promise<void>} record sends traces
 * @param {(page: import('playwright-core').Page, save: (name: string) => Promise<Buffer>) => Promise<void>} visit
 */
async function photograph(record, visit) {
  const collector = await collectors.startCollector();
  const page = await browser.newPage({ viewport: SIZE });
  try {
    await record({
      ...process.env,
      BRAINTRUST_API_KEY: 'demo',
      BRAINTRUST_APP_URL: collector.url,
      BRAINTRUST_API_URL: collector.url,
    });
    await collector.waitFor(() => collector.traces().some(({ finished }) => finished));
    await page.goto(collector.url);
    await visit(page, (name) => page.screenshot({ path: fileURLToPath(new URL(name, images)) }));
  } finally {
    await page.close();
    await collector.close();
  }
}

/** @param {URL} file @param {string[]} args */
function run(file, ...args) {
  return async (/** @type {NodeJS.ProcessEnv} */ env) => {
    const child = spawn(process.execPath, [fileURLToPath(file), ...args], { env, stdio: 'ignore' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${file.pathname} ended with ${code}`);
  };
}

/** @param {NodeJS.ProcessEnv} env */
async function replayAll(env) {
  const command = new URL('../tools/cli.js', import.meta.url);
  const corpus = new URL('../__test__/corpus/', import.meta.url);
  for (const name of RECORDINGS) {
    await run(command, 'replay', fileURLToPath(new URL(`${name}.ndjson`, corpus)))(env);
  }
}
