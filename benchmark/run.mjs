/**
 * Compares what tracing costs a Flue agent: with nothing, with bare `JSON.stringify`, with two versions
 * of the `braintrust` package, and with this one.
 *
 *     node benchmark/run.mjs [--quick] [--check] [--repetitions N] [--only replay,live,…]
 *                            [--sizes 60,200,…] [--out FILE] [--raw FILE] [--package DIRECTORY]
 *                            [--beside DIRECTORY]
 *
 * Every figure comes from this run: one process for each contender, scenario and repetition, one after
 * the other and interleaved. A full run of a release build writes `benchmark/results.md`; any other
 * only prints, unless --out names a file. --raw keeps what every process measured. --check makes a
 * missed target an error. This checkout is measured as it is published; --package measures another
 * directory. --beside measures this checkout and another one, as they are, interleaved, and nothing
 * but that: machines differ from one hour to the next.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { criteria } from './criteria.mjs';
import { SHORT_TURNS, TIMES_SHORT, experiments } from './experiments.mjs';
import { install } from './install.mjs';
import { describeMachine } from './machine.mjs';
import { runWorker } from './process.mjs';
import { startServer } from './server-process.mjs';
import { Results } from './results.mjs';

/** So many that V8 has compiled the code: its threads compete with the measured one for two cores. */
const WARM_UP_TURNS = 150;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    repetitions: { type: 'string' },
    only: { type: 'string' },
    sizes: { type: 'string' },
    out: { type: 'string' },
    raw: { type: 'string' },
    package: { type: 'string' },
    beside: { type: 'string' },
  },
});
const repetitions = Number(options.repetitions ?? (options.quick ? 2 : 5));
if (!Number.isInteger(repetitions) || repetitions < 1) throw new Error('--repetitions: a number');
const only = options.only?.split(',');
const sizes = options.sizes?.split(',').map(Number);
const chosen = experiments(options.quick)
  .filter(({ name }) => only === undefined || only.includes(name))
  .map(ofChosenSizes)
  .filter((experiment) => experiment.sizes.length > 0);
if (chosen.length === 0) throw new Error('There is nothing to measure.');

const root = fileURLToPath(new URL('..', import.meta.url));
const began = Date.now();
const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const machine = describeMachine(options.package ?? root);
if (!machine.isRelease) progress('this is not a release build: its figures mean nothing');
process.env.BENCH_PACKAGE = options.package ?? packageHere();
if (options.beside !== undefined) process.env.BENCH_BESIDE = options.beside;
// They read these variables.
const { contenders } = await import('./contenders.mjs');
const { report } = await import('./report.mjs');

install();
const results = new Results();
await record();
for (const experiment of chosen) {
  for (let round = 1; round <= Math.min(repetitions, experiment.most ?? Infinity); round += 1) {
    progress(`${experiment.name}, round ${round} of ${repetitions}`);
    await play(experiment);
  }
}
finish();

/** @returns {string} where this checkout's package is: as it is published, unless it is compared with another checkout */
function packageHere() {
  if (options.beside !== undefined || !machine.isRelease) return root;
  const args = [join(root, 'scripts/pack.mjs'), directory, '--single'];
  const tarball = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', tarball, '-C', directory]);
  return join(directory, 'package');
}

/** @param {import('./experiments.mjs').Experiment} experiment */
function ofChosenSizes(experiment) {
  if (!sizes || !(experiment.grows || experiment.turns)) return experiment;
  return { ...experiment, sizes: experiment.sizes.filter((size) => sizes.includes(size)) };
}

/** The conversations that are replayed, from Flue itself. */
async function record() {
  const sizes = chosen.flatMap(({ recorded, sizes }) => (recorded ? sizes : []));
  for (const size of new Set(sizes)) {
    progress(`recording ${size} turns`);
    await runWorker({ scenario: 'record', contender: 'nothing', size, file: fileOf(size) });
  }
  progress('recording the warm-up');
  const warmUp = { size: WARM_UP_TURNS, file: fileOf('warm-up') };
  await runWorker({ scenario: 'record', contender: 'nothing', ...warmUp });
}

/** @param {number | string} size */
function fileOf(size) {
  return join(directory, `${size}.json`);
}

/**
 * One round of an experiment. What is over in milliseconds is played more often: there whatever else wants the core
 * weighs most.
 *
 * @param {import('./experiments.mjs').Experiment} experiment
 */
async function play(experiment) {
  for (const size of experiment.sizes) {
    for (const contender of contenders) {
      if (!takesPart(contender, experiment)) continue;
      const times = experiment.grows && size <= SHORT_TURNS ? TIMES_SHORT : 1;
      for (let time = 0; time < times; time += 1) {
        const result = await playOne(experiment, size, contender);
        results.add(experiment.name, size, contender.name, result);
      }
    }
  }
}

/**
 * @param {import('./contenders.mjs').Contender} contender
 * @param {import('./experiments.mjs').Experiment} experiment
 */
function takesPart({ name, apart }, { contenders }) {
  return contenders === undefined ? !apart : contenders.includes(name.replace(/^before/, 'ours'));
}

/**
 * @param {import('./experiments.mjs').Experiment} experiment
 * @param {number} size
 * @param {import('./contenders.mjs').Contender} contender
 */
async function playOne(experiment, size, contender) {
  const { scenario, server: mode, delayMs, yields, fresh } = experiment;
  const { paceMs, perSecond, turns, resultBytes } = experiment;
  const files = { file: fileOf(size), ...(!fresh && { warmUp: fileOf('warm-up') }) };
  const job = { scenario, size, paceMs, perSecond, turns, resultBytes, ...files };
  const server = contender.exports ? await startServer(mode, { delayMs, yields }) : undefined;
  try {
    const env = { ...contender.env, ...(server && addressed(server.url)) };
    const result = await runWorker({ ...job, contender: contender.name }, env);
    return { ...result, server: await server?.counts(result.startedAt) };
  } finally {
    await server?.stop();
  }
}

/** @param {string} url */
function addressed(url) {
  return { BRAINTRUST_API_KEY: 'local', BRAINTRUST_APP_URL: url, BRAINTRUST_API_URL: url };
}

function finish() {
  const verdicts = criteria(results);
  const { out: _out, raw: _raw, package: _package, beside: _beside, ...passed } = options;
  const args = Object.entries(passed).flatMap(([name, value]) =>
    value === undefined || value === false
      ? []
      : value === true
        ? `--${name}`
        : `--${name} ${value}`,
  );
  const how = args.length > 0 ? ` -- ${args.join(' ')}` : '';
  const run = { minutes: (Date.now() - began) / 60_000, repetitions, how };
  const text = report({ results, verdicts, machine: machine.lines, experiments: chosen, run });
  const { quick, only, sizes, package: directory, beside } = options;
  const isFull = !quick && !only && !sizes && !directory && !beside && machine.isRelease;
  const out = options.out ?? (isFull ? ownFile('results.md') : undefined);
  console.log(text);
  if (out !== undefined) writeFileSync(out, text);
  if (options.raw !== undefined) writeFileSync(options.raw, JSON.stringify(results));
  if (options.check && verdicts.some(({ passed }) => passed !== true)) process.exitCode = 1;
}

/** @param {string} name */
function ownFile(name) {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** @param {string} text */
function progress(text) {
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  process.stderr.write(`${minutes.padStart(5)} min  ${text}\n`);
}
