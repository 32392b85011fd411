/**
 * Runs every ending and every fault with real processes, for this package and beside it for two
 * versions of the `braintrust` package.
 *
 *     node faults/run.mjs [--only exit,exit/burst,faults,short,…] [--exporters ours,…]
 *                         [--repetitions N] [--hurry] [--out FILE] [--json FILE] [--package DIRECTORY]
 *
 * Prints one table, and ends with 1 when a promise of this package is broken. A full run of a release
 * build writes `faults/results.md`, with `faults/long-runs.md` at its end; any other only prints, unless --out names a
 * file. --json keeps what is broken, by scenario. --hurry plays endings together, too: their times mean less. --package plays
 * another checkout.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    exporters: { type: 'string' },
    repetitions: { type: 'string', default: '2' },
    hurry: { type: 'boolean', default: false },
    out: { type: 'string' },
    json: { type: 'string' },
    package: { type: 'string' },
  },
});
const repetitions = Number(options.repetitions);
if (!Number.isInteger(repetitions) || repetitions < 1) throw new Error('--repetitions: a number');
// The contenders look for it when they are loaded, as do the processes under test.
if (options.package !== undefined) process.env.BENCH_PACKAGE = options.package;

const { install } = await import('../benchmark/install.mjs');
const { describeMachine } = await import('../benchmark/machine.mjs');
const { runAll } = await import('./run-all.mjs');
const { playPressures, pressures } = await import('./pressure.mjs');
const { report } = await import('./report.mjs');
const { scenarios } = await import('./scenarios.mjs');

const only = options.only?.split(',');
const exporters = options.exporters?.split(',') ?? ['braintrust 3.17', 'braintrust 3.35', 'ours'];
const isChosen = ({ id, group, short }) =>
  only === undefined ||
  only.some((name) => [id, id.split('/')[0], group, short && 'short'].includes(name));
const chosen = scenarios.filter(isChosen);
const pressed = pressures.filter(isChosen);
if (chosen.length + pressed.length === 0) throw new Error('There is nothing to play.');

if (exporters.includes('braintrust 3.17')) install();
const began = Date.now();
const machine = describeMachine();
const { hurry } = options;
const lines = await runAll(chosen, { exporters, repetitions, hurry, progress });
const pressure = await playPressures(pressed, { exporters, progress });
const minutes = (Date.now() - began) / 60_000;
const text = report({ lines, pressure, machine: machine.lines, minutes, repetitions });
console.log(text);
const isFull = !only && !options.exporters && !options.package && machine.isRelease;
const out = options.out ?? (isFull ? fileURLToPath(new URL('results.md', import.meta.url)) : '');
const longRuns = isFull
  ? `\n${readFileSync(new URL('long-runs.md', import.meta.url), 'utf8')}`
  : '';
if (out !== '') writeFileSync(out, text + longRuns);
if (options.json !== undefined) {
  const found = lines.map(({ scenario, exporter, broken }) => [
    `${scenario.id}, ${exporter}`,
    broken,
  ]);
  writeFileSync(options.json, JSON.stringify(Object.fromEntries(found)));
}
if ([...lines, ...pressure].some(({ broken }) => broken.length > 0)) process.exitCode = 1;

/** @param {string} text */
function progress(text) {
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  process.stderr.write(`${minutes.padStart(5)} min  ${text}\n`);
}
