/** Runs programs: one scenario through one exporter, against a collector of its own. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import collectors from '../../tools/collector/index.js';
import { programOf, settingsOf } from './lines.mjs';

const PROGRAM_MS = 120_000;
const TAIL_LINES = 8;

/**
 * The rows of one exporter for a scenario, and Flue's own events.
 *
 * @typedef {object} Recording
 * @property {object[]} rows as they are stored after all merges
 * @property {object[]} events Flue's own
 * @property {string[]} problems what the collector finds wrong with the rows
 * @property {string[]} faults why the comparison cannot be trusted; none when all went well
 */

/**
 * Calls without an id of their own: the spans of both exporters are paired by ids, and `braintrust` merges such calls or
 * leaves them open. `lines.spec.ts` compares ours with Flue's events.
 */
const UNPAIRED = new Set(['call-ids', 'same-ids']);

/** @param {string} line @returns {Promise<string[]>} the scenarios that the line can play, and that can be compared */
export async function scenariosOf(line) {
  const { code, out, err } = await program(line, '--list', clean());
  if (code !== 0) throw new Error(`Flue ${line} does not run.\n${tail(err)}`);
  const names = out.trim().split('\n');
  return names.filter((name) => !UNPAIRED.has(name));
}

/**
 * @param {string} line
 * @param {string} scenario
 * @param {'official' | 'ours'} exporter
 * @returns {Promise<Recording>}
 */
export async function record(line, scenario, exporter) {
  const directory = await mkdtemp(join(tmpdir(), 'parity-'));
  const collector = await collectors.startCollector({ port: 0 });
  try {
    const file = join(directory, 'events.ndjson');
    const { code, err } = await program(line, scenario, {
      ...clean(),
      ...settingsOf(line, exporter),
      BRAINTRUST_API_KEY: 'parity',
      BRAINTRUST_APP_URL: collector.url,
      BRAINTRUST_API_URL: collector.url,
      EXPECT_FILE: file,
    });
    const rows = collector.rows();
    const problems = collector.problems.map(
      ({ rowId, problem }) => `${rowId ?? 'request'}: ${problem}`,
    );
    const faults = [];
    if (rows.length === 0) faults.unshift('delivered nothing');
    if (code !== 0) faults.unshift(`ended with ${code}\n${tail(err)}`);
    return { rows, events: await readEvents(file), problems, faults };
  } finally {
    await collector.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Our environment without anything that speaks to either exporter. */
function clean() {
  const ours = /^(BRAINTRUST|FLUE_BRAINTRUST)_|^(REGISTER|EXPECT_FILE)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function program(line, argument, env) {
  return new Promise((resolve, reject) => {
    const args = ['--no-warnings', programOf(line), argument];
    const child = spawn(process.execPath, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PROGRAM_MS,
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (err += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, out, err }));
  });
}

async function readEvents(file) {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(JSON.parse);
}

const tail = (text) => text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
