/** More than can be delivered: what it costs the application, and what becomes of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../benchmark/server-process.mjs';
import { KEY, runProgram } from './process.mjs';

const MIB = 2 ** 20;
const MANY = 200_000;
const NETWORK_MS = 60;

/** Spans per second: some six times what the fastest of the others takes in, and a third more than the
 * least that this package is to deliver. */
const OFFERED = 40_000;

/** The default of this package's bound, and what may come on top. */
const BOUND = 64 * MIB;
const ON_TOP = 48 * MIB;

/** A call may not block the loop for longer. */
const LONGEST_MS = 5;

const LIMIT_MS = 240_000;

/**
 * @typedef {object} Pressure
 * @property {string} id
 * @property {string} group
 * @property {string} title
 * @property {'hole' | 'sink'} server never answers, or answers everything after 60 ms
 * @property {number} spans
 * @property {number} [size] of each result; default: a few bytes
 * @property {number} [pauseEvery] after so many spans the loop turns; default: never
 * @property {number} [perSecond] how many are offered in a second; default: as many as can be
 * @property {boolean} [all] whether all must arrive
 * @property {boolean} [keeps] whether all must be kept for the next process
 * @property {boolean} [spool] of this package
 * @property {string[]} [flags] of Node
 * @property {string[]} [exporters] default: all
 */

const pressure = (id, title, more) => ({ id, title, group: 'pressure', spans: MANY, ...more });
const turning = { pauseEvery: 100 };
const oursOnly = { exporters: ['ours'] };

/** @type {Pressure[]} */
export const pressures = [
  pressure('hole-turning', 'black hole', { server: 'hole', ...turning }),
  pressure('hole-burst', 'black hole, the loop never turns', { server: 'hole' }),
  pressure('healthy', `healthy, ${OFFERED.toLocaleString('en')} a second`, {
    server: 'sink',
    all: true,
    perSecond: OFFERED,
    ...turning,
  }),
  pressure('healthy-turning', 'healthy, as fast as the loop turns', { server: 'sink', ...turning }),
  pressure('healthy-burst', 'healthy, the loop never turns', { server: 'sink', ...oursOnly }),
  pressure('hole-spool', `black hole, ${OFFERED.toLocaleString('en')} a second, spool`, {
    server: 'hole',
    spool: true,
    keeps: true,
    perSecond: OFFERED,
    ...turning,
    ...oursOnly,
  }),
  pressure('hole-large', 'of 100 KB, black hole, 512 MB heap', {
    server: 'hole',
    spans: 10_000,
    size: 100_000,
    flags: ['--max-old-space-size=512'],
    ...turning,
  }),
];

/**
 * @typedef {object} PressureLine
 * @property {Pressure} pressure
 * @property {string} exporter
 * @property {import('./process.mjs').Ended} ended
 * @property {import('./pressure-producer.mjs').Figures} [figures] none when the process aborted
 * @property {number} [above] by how many bytes its peak is above that of the run without tracing
 * @property {number} arrived spans
 * @property {string[]} broken
 */

/**
 * @param {Pressure[]} pressures
 * @param {{ exporters: string[], progress: (text: string) => void }} options
 * @returns {Promise<PressureLine[]>}
 */
export async function playPressures(pressures, { exporters, progress }) {
  const lines = [];
  for (const pressure of pressures) {
    const bare = await runOne(pressure, 'nothing');
    if (bare.figures === undefined)
      throw new Error(`nothing traced, no figures: ${bare.ended.stderr}`);
    for (const exporter of exporters) {
      if (pressure.exporters && !pressure.exporters.includes(exporter)) continue;
      progress(`${pressure.id}, ${exporter}`);
      const line = await runOne(pressure, exporter);
      const { peakRss } = line.figures ?? line.ended;
      line.above = peakRss - bare.figures.peakRss;
      if (exporter === 'ours') line.broken = brokenInvariants(line);
      lines.push(line);
    }
  }
  return lines;
}

/** @param {Pressure} pressure @param {string} exporter @returns {Promise<PressureLine>} */
async function runOne(pressure, exporter) {
  const { spans, size, pauseEvery, perSecond, flags, spool } = pressure;
  const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-faults-'));
  const server = await startServer(pressure.server, { delayMs: NETWORK_MS });
  const env = {
    BRAINTRUST_API_KEY: KEY,
    BRAINTRUST_APP_URL: server.url,
    BRAINTRUST_API_URL: server.url,
    ...(spool && { FLUE_BRAINTRUST_SPOOL_DIR: directory }),
  };
  try {
    const job = {
      exporter,
      spans,
      size,
      pauseEvery,
      perSecond,
      delivers: pressure.server === 'sink',
    };
    const program = 'pressure-producer.mjs';
    const ended = await runProgram(job, { program, env, flags, limitMs: LIMIT_MS });
    const [, result] = /^figures (.*)$/m.exec(ended.stdout) ?? [];
    const { ended: arrived } = await server.counts();
    const figures = result && JSON.parse(result);
    return { pressure, exporter, ended, figures, arrived, broken: [] };
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {PressureLine} line @returns {string[]} */
function brokenInvariants({ pressure, figures, above, arrived }) {
  if (figures === undefined) return ['it aborted'];
  const found = [];
  const { accepted, sent, pending, spooled = 0 } = figures.stats;
  const all = sent + pending + spooled + lostRows(figures);
  // The operation and its turn are two more.
  const spans = pressure.spans + 2;
  if (accepted !== all) found.push(`${accepted} rows accepted, ${all} accounted for`);
  if (all < spans) found.push(`${spans - all} spans are in no account`);
  if (pressure.keeps && lostRows(figures) > 0) found.push(`${lostRows(figures)} rows are lost`);
  if (pressure.all && arrived < spans) found.push(`${spans - arrived} spans are lost`);
  if (pressure.server === 'sink' && spans - arrived > all - sent) {
    found.push(
      `${spans - arrived} spans did not arrive, ${all - sent} rows are counted as undelivered`,
    );
  }
  if (above > BOUND + ON_TOP) found.push(`RSS grew by ${Math.round(above / MIB)} MiB`);
  const longest = figures.longestOwn ?? figures.longest;
  if (longest > LONGEST_MS) found.push(`a call took ${longest.toFixed(1)} ms`);
  return found;
}

/** @param {import('./pressure-producer.mjs').Figures} figures @returns {number} as the exporter counts them */
export function lostRows({ stats }) {
  return Object.values(stats?.lost ?? {}).reduce((all, rows) => all + rows, 0);
}
