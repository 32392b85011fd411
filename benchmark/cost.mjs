/**
 * What tracing costs 1,000 model turns of a busy server: bytes and requests to Braintrust, CPU and memory, by the
 * options that matter for them. Prints the table of docs/cost.md. Needs a release build and a quiet machine; takes
 * about three minutes.
 *
 *     npm run bench:cost [-- --only spool,delta]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.mjs';
import { runWorker } from './process.mjs';
import { startServer } from './server-process.mjs';
import { table } from './table.mjs';

/** Of each conversation; its tools return 2 KB in four of five turns. */
const TURNS = 25;
/** At the same time. */
const CONVERSATIONS = 40;
/** From one part of a turn, of any conversation, to the next. */
const TICK_MS = 8;

const { values: choice } = parseArgs({ options: { only: { type: 'string' } } });
const words = choice.only?.split(',');
const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-cost-'));

/** The rows of the table, and the options of each. */
const MODES = {
  'the defaults': {},
  "`turnInput: 'full'`": { turnInput: 'full' },
  "`turnInput: 'delta'`": { turnInput: 'delta' },
  '`content: false`': { content: false },
  '`sampleRate: 0.1`': { sampleRate: 0.1 },
  '`spool`': { spool: { dir: join(directory, 'spool') } },
  '`redact` with four built-in rules': {
    redact: { builtins: ['api-keys', 'emails', 'jwts', 'credit-cards'] },
  },
};

try {
  const machine = describeMachine();
  console.log(machine.lines.map((line) => `- ${line}`).join('\n'));
  const file = join(directory, 'conversation.json');
  await runWorker({ scenario: 'record', contender: 'nothing', size: TURNS, file });
  const nothing = await measured(file, 'nothing', {});
  const rows = [];
  for (const [name, options] of Object.entries(MODES)) {
    if (words && !words.some((word) => name.includes(word))) continue;
    rows.push(row(name, await measured(file, 'ours', options), nothing));
  }
  const head = ['Options', 'MB sent', 'Requests', 'CPU, s', 'of it event loop, ms', 'Peak MB'];
  console.log(`\n${table(head, rows)}`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** @param {string} file @param {string} contender @param {object} options */
async function measured(file, contender, options) {
  const server = await startServer('drain', { delayMs: 20 });
  const env = {
    BRAINTRUST_API_KEY: 'local',
    BRAINTRUST_APP_URL: server.url,
    BRAINTRUST_API_URL: server.url,
  };
  const job = { scenario: 'cost', contender, size: CONVERSATIONS, paceMs: TICK_MS, file, options };
  try {
    const result = await runWorker(job, env);
    const lost = Object.keys(result.stats?.lost ?? {});
    if (lost.length > 0) throw new Error(`lost: ${lost.join(', ')}`);
    if (result.stats?.accepted === 0) throw new Error('nothing was recorded');
    return { ...result, sent: await server.counts(result.startedAt) };
  } finally {
    await server.stop();
  }
}

function row(name, result, nothing) {
  const per = 1000 / result.turns;
  return [
    name,
    ((result.sent.bytes * per) / 1e6).toFixed(1),
    Math.round(result.sent.requests * per).toString(),
    (((result.cpu - nothing.cpu) * per) / 1000).toFixed(2),
    Math.round((result.calls - nothing.calls) * per).toString(),
    Math.max(0, Math.round((result.peakRss - nothing.peakRss) / 1e6)).toString(),
  ];
}
