/**
 * Compares what tracing costs in the real `workerd`: this package and the `braintrust` package, in one run. Prints CPU
 * time of the first and of warm conversations, the start-up and the memory, and their ratios. Needs
 * Linux, `js/edge/core.wasm` and the packages of `__test__/lines/cloudflare`.
 *
 *     node benchmark/workerd.mjs [--sizes 25,60,200] [--runs 14]
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { listProcesses } from '../tools/cli/process-tree.js';
import { runWorker } from './process.mjs';
import { startServer } from './server-process.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { convertV4MiniflareOptions, Miniflare } = createRequire(
  join(root, '__test__/lines/cloudflare/package.json'),
)('miniflare');

const TRACERS = {
  'flue-braintrust': join(root, 'js/edge/index.mjs'),
  braintrust: 'braintrust',
};

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '25,60,200' },
    runs: { type: 'string', default: '14' },
  },
});
const sizes = values.sizes.split(',').map(Number);
const runs = Number(values.runs);
if (!(runs >= 2)) throw new Error('--runs is at least 2: the first one is not warm');

const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-'));
const server = await startServer('sink');
/** @type {Record<string, Record<string, number>>} */
const figures = {};
try {
  for (const name of Object.keys(TRACERS)) await bundle(name);
  for (const size of sizes) {
    const file = join(directory, `${size}.json`);
    await runWorker({ scenario: 'record', contender: 'nothing', size, file });
    for (const name of Object.keys(TRACERS)) {
      for (const [what, value] of Object.entries(await measure(name, file))) {
        (figures[`${what}, ${size} turns`] ??= {})[name] = value;
      }
    }
  }
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
print();

/** @param {string} name */
async function bundle(name) {
  const outdir = join(directory, name);
  mkdirSync(outdir);
  await build({
    entryPoints: [join(root, 'benchmark/workerd/app.mjs')],
    outfile: join(outdir, 'app.js'),
    bundle: true,
    format: 'esm',
    conditions: ['workerd'],
    external: ['cloudflare:*', 'node:*'],
    alias: { TRACER: TRACERS[name] },
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    logLevel: 'error',
  });
}

/**
 * One process for each tracer and size.
 * @param {string} name
 * @param {string} file
 */
async function measure(name, file) {
  const outdir = join(directory, name);
  const began = performance.now();
  const hasWasm = readdirSync(outdir).includes('core.wasm');
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      workers: [
        {
          name: 'bench',
          compatibilityDate: '2026-06-01',
          compatibilityFlags: ['nodejs_compat'],
          modulesRoot: outdir,
          modules: [
            { type: 'ESModule', path: join(outdir, 'app.js') },
            ...(hasWasm ? [{ type: 'CompiledWasm', path: join(outdir, 'core.wasm') }] : []),
          ],
        },
      ],
    }),
  );
  const { origin } = await miniflare.ready;
  const pid = workerdOf(process.pid);
  const step = async (path, body) => {
    const response = await fetch(`${origin}/${path}`, { method: 'POST', body });
    if (!response.ok) throw new Error(await response.text());
  };
  try {
    const { url } = server;
    const options = { apiKey: 'key', appUrl: url, apiUrl: url, projectName: 'bench' };
    await step('init', JSON.stringify(options));
    const startUp = performance.now() - began;
    await step('conversation', readFileSync(file));
    const cpu = async (path, run) => {
      const from = cpuOf(pid);
      await step(path, JSON.stringify({ run }));
      return cpuOf(pid) - from;
    };
    // The first run of the events themselves is cold, too: it is not the tracer's.
    const cold = await cpu('nothing', 0);
    const earlier = await server.counts();
    const first = Math.max(0, (await cpu('run', 1)) - (await cpu('nothing', 0)));
    const warm = [];
    for (let run = 2; run <= runs; run++) {
      const all = await cpu('run', run);
      warm.push(all - (await cpu('nothing', run)));
    }
    const { ended } = await server.counts();
    return {
      'spans delivered': ended - earlier.ended,
      'start-up (ms)': startUp,
      'events alone, cold (ms CPU)': cold,
      'first run (ms CPU)': first,
      'warm run (ms CPU)': median(warm),
      [`RSS after ${runs} runs (MB)`]: rssOf(pid),
    };
  } finally {
    await miniflare.dispose();
  }
}

/**
 * The `workerd` that a process has started; the machine may run others.
 * @param {number} parent
 * @returns {number}
 */
function workerdOf(parent) {
  const children = listProcesses().filter((one) => one.parent === parent);
  const found = children.filter(
    ({ pid }) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'workerd',
  );
  if (found.length !== 1) throw new Error(`${found.length} processes of workerd, instead of one`);
  return found[0].pid;
}

/**
 * The CPU time so far, of all threads, in milliseconds. `workerd` keeps its threads, and the scheduler counts their
 * nanoseconds, where the figure of the whole process has ticks of 10 ms.
 * @param {number} pid
 */
function cpuOf(pid) {
  const tasks = `/proc/${pid}/task`;
  const times = readdirSync(tasks).map((task) => {
    const [running] = readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ');
    return Number(running) / 1e6;
  });
  return times.reduce((sum, time) => sum + time, 0);
}

/** @param {number} pid */
function rssOf(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function print() {
  const [ours, theirs] = Object.keys(TRACERS);
  console.log(`| | ${ours} | ${theirs} | ratio |\n| --- | --- | --- | --- |`);
  for (const [what, row] of Object.entries(figures)) {
    const cells = [row[ours], row[theirs]].map((value) => value.toFixed(0));
    console.log(`| ${what} | ${cells.join(' | ')} | ${(row[ours] / row[theirs]).toFixed(2)} |`);
  }
}
