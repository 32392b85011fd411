/** Runs one scenario with one exporter, and returns all that can be observed from outside. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, expectedSpans } from './expectation.mjs';
import { KEY, runProgram } from './process.mjs';
import { startServer } from './server.mjs';

/** The time before a sudden end of which rows may be lost, in milliseconds. */
const UNSPOOLED_MS = 250;

/** How long the next process stays, so that it can take over what the first has left. */
const NEXT_STAYS_MS = 1000;

const LIMIT_MS = 20_000;

/**
 * @typedef {object} Run
 * @property {import('./process.mjs').Ended} ended
 * @property {number | undefined} endingMs from the beginning of the ending to the end
 * @property {import('./expectation.mjs').Counts} counts
 * @property {any[]} numbers the exporter's own counters, by process
 * @property {number} confirmed rows that the server has confirmed
 * @property {number} repeated rows that came again although they had been
 * @property {number} rejected rows that the server has rejected for good
 * @property {number} unseen lost spans of which the server has not even rejected a row
 * @property {string[]} problems what breaks the protocol
 * @property {boolean} leaked whether the key was written anywhere
 * @property {string | undefined} checkFailure of the scenario's own check
 */

/**
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {string} exporter
 * @param {number} [patience] how many times as long a process may take before it is taken to hang
 * @returns {Promise<Run>}
 */
export async function runScenario(scenario, exporter, patience = 1) {
  const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-faults-'));
  const server = exporter === 'nothing' ? undefined : await startServer(scenario.server ?? {});
  try {
    return await playIn(directory, scenario, exporter, server, patience);
  } finally {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function playIn(directory, scenario, exporter, server, patience) {
  const { workload, ending, place, killBy, options, flags } = scenario;
  const limitMs = (scenario.limitMs ?? LIMIT_MS) * patience;
  const { listener, maskMs, exhausts } = scenario;
  const spool = join(directory, 'spool');
  const env = {
    ...scenario.env,
    ...(server && {
      BRAINTRUST_API_KEY: KEY,
      BRAINTRUST_APP_URL: server.url,
      BRAINTRUST_API_URL: server.url,
      ...server.env,
    }),
    ...(scenario.spool && { FLUE_BRAINTRUST_SPOOL_DIR: spool }),
  };
  const files = (name) => ({
    events: join(directory, `${name}-events`),
    numbers: join(directory, `${name}-numbers`),
  });
  const app = { exporter, options: exporter === 'ours' ? options : undefined };
  const more = { listener, maskMs, exhausts };
  const plan = { ...app, workload, ending, place, killBy, ...more, ...files('first') };
  const first = await runProgram(plan, { env, flags, limitMs, onWorking: () => server?.begin() });
  const outputs = [first.stdout, first.stderr, ...contentsOf(spool)];
  if (scenario.spool && exporter === 'ours') {
    await server.heal();
    const staying = { act: 'flush', waitMs: NEXT_STAYS_MS };
    const next = { ...app, workload: { kind: 'idle' }, ending: staying, ...files('next') };
    const { stdout, stderr } = await runProgram(next, { env, limitMs });
    outputs.push(stdout, stderr, ...contentsOf(spool));
  }

  const isSudden = scenario.promise === 'due';
  const expected = expectedSpans(files('first').events);
  const rows = server?.rows() ?? [];
  const rejected = server?.acknowledged.rejected ?? [];
  return {
    ended: first,
    endingMs: first.endingAt && first.endedAt - first.endingAt,
    counts: compare(expected, rows, isSudden ? first.endingAt - UNSPOOLED_MS : Infinity),
    numbers: ['first', 'next'].flatMap((name) => numbersIn(files(name).numbers)),
    confirmed: server?.acknowledged.rows ?? 0,
    repeated: server?.acknowledged.repeated ?? 0,
    rejected: rejected.length,
    unseen: compare(expected, [...rows, ...rejected]).lost,
    problems: server?.problems().map(({ problem }) => problem) ?? [],
    leaked: outputs.some((text) => text.includes(KEY)),
    checkFailure: scenario.check?.(rows),
  };
}

/** @param {string} file @returns {any[]} */
function numbersIn(file) {
  return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8'))] : [];
}

/** @param {string} directory @returns {string[]} */
function contentsOf(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'));
}
