/**
 * Replays recordings in the real `workerd` and on Node, and compares the rows that a collector receives. Prints the
 * counts as JSON, and the rows that differ to stderr. Needs `js/edge/core.wasm` and the native binary.
 *
 *     node __test__/lines/cloudflare/conformance/compare.mjs [--options NAME]... [RECORDING...]
 *
 * --options  one of the sets below; default: all
 * RECORDING  such as 2.1.0/plain-prompt; default: all
 */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startWorker } from '../edge/bundle.mjs';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const corpus = join(root, '__test__/corpus');
const { startCollector } = createRequire(import.meta.url)('../../../../tools/collector');

const OPTIONS = {
  default: {},
  flue: { messages: 'flue' },
  delta: { turnInput: 'delta' },
  redact: { redact: { builtins: ['emails'], patterns: ['[0-9]{3,}'] } },
  'no-content': { content: false },
  mask: {},
};

/** What the server of this run gives a row. */
const OF_SERVER = new Set(['_xact_id', 'created', 'project_id']);

/** The ids of the rows of spans that the replay itself interrupts, by recording. @type {Map<string, Set<string>>} */
const INTERRUPTED = new Map();

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { options: { type: 'string', multiple: true, default: Object.keys(OPTIONS) } },
});
const recordings = positionals.length > 0 ? positionals : all();

const node = spawn(process.execPath, [join(here, 'node.mjs')], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const reports = createInterface(node.stdout)[Symbol.asyncIterator]();
const { origin, lines, stop } = await startWorker(join(here, 'worker.mjs'));

const counts = { recordings: recordings.length, rows: 0, differing: 0, problems: 0, incomplete: 0 };
for (const set of values.options) {
  for (const name of recordings) await compare(set, name);
}
console.log(JSON.stringify(counts));
node.stdin.end();
await stop();
for (const line of lines) console.error(line);

function all() {
  return readdirSync(corpus, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(corpus, name)).map((file) => `${name}/${file}`))
    .map((path) => path.replace('.ndjson', ''));
}

/**
 * @param {string} set
 * @param {string} name
 */
async function compare(set, name) {
  const lines = readFileSync(join(corpus, `${name}.ndjson`), 'utf8')
    .trim()
    .split('\n');
  const events = lines.map((line) => JSON.parse(line).event).filter(Boolean);
  const given = { options: OPTIONS[set], masks: set === 'mask', events };
  const interrupted = await interruptedOf(name, events);
  const expected = await rowsOf(given, onNode, interrupted);
  const actual = await rowsOf(given, onWorkerd, interrupted);
  for (const id of new Set([...expected.keys(), ...actual.keys()])) {
    counts.rows++;
    if (expected.get(id) === actual.get(id)) continue;
    counts.differing++;
    console.error(
      `${set} ${name} ${id}\n  Node    ${expected.get(id)}\n  workerd ${actual.get(id)}`,
    );
  }
}

/**
 * Those of a recording. Without options: a mask may change what states it.
 * @param {string} name
 * @param {object[]} events
 */
async function interruptedOf(name, events) {
  let ids = INTERRUPTED.get(name);
  if (ids === undefined) {
    ids = new Set();
    const { metadata } = await collected({ options: {}, masks: false, events }, onNode);
    for (const [id, value] of metadata) {
      if (value?.['flue.interrupted'] ?? value?.flue?.interrupted) ids.add(id);
    }
    INTERRUPTED.set(name, ids);
  }
  return ids;
}

/**
 * @param {{ options: object, masks: boolean, events: object[] }} job
 * @param {(job: object) => Promise<{ complete: boolean }>} replay
 * @param {Set<string>} interrupted
 */
async function rowsOf(job, replay, interrupted) {
  const { rows } = await collected(job, replay);
  return new Map(rows.map((row) => [row.id, comparable(row, interrupted)]));
}

/**
 * @param {{ options: object, masks: boolean, events: object[] }} job
 * @param {(job: object) => Promise<{ complete: boolean }>} replay
 */
async function collected({ options, ...job }, replay) {
  const collector = await startCollector({});
  const { url } = collector;
  const destination = { apiKey: 'key', appUrl: url, apiUrl: url, projectName: 'conformance' };
  const { complete } = await replay({ ...job, options: { ...options, ...destination } });
  if (!complete) counts.incomplete++;
  counts.problems += collector.problems.length;
  const rows = collector.rows();
  await collector.close();
  return { rows, metadata: rows.map((row) => [row.id, row.metadata]) };
}

async function onNode(job) {
  node.stdin.write(`${JSON.stringify(job)}\n`);
  return JSON.parse((await reports.next()).value);
}

async function onWorkerd(job) {
  const response = await fetch(origin, { method: 'POST', body: JSON.stringify(job) });
  return await response.json();
}

/** A row without what differs from run to run: the end of a span that the replay itself interrupts is the present. */
function comparable(row, interrupted) {
  const members = Object.entries(structuredClone(row)).filter(([name]) => !OF_SERVER.has(name));
  const rest = Object.fromEntries(members);
  if (interrupted.has(row.id)) {
    delete rest.metrics?.end;
    delete rest.metrics?.duration_ms;
  }
  return JSON.stringify(rest);
}
