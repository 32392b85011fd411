/**
 * Processes under constant load on a server that flaps: traced with a spool, traced without, and for
 * comparison not at all.
 *
 *     node faults/soak.mjs [--minutes 10] [--rate 500] [--seed 1]
 *
 * Ends with 1 unless memory and threads stay as flat as without tracing, all that was accepted has
 * arrived, and the numbers add up. The rate is that of both traced processes together.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from '../benchmark/machine.mjs';
import { runWorker } from '../benchmark/process.mjs';
import { mean, median } from '../benchmark/statistics.mjs';
import { table } from '../benchmark/table.mjs';
import { compare, expectedSpans } from './expectation.mjs';
import { KEY, runProgram } from './process.mjs';
import { FlappingServer } from './soak-server.mjs';

const MIB = 2 ** 20;
const SAMPLE_MS = 2000;

/** What a process may take after its last span: its flush, its exit, and a busy machine. */
const GRACE_MS = 120_000;

/** By how much the memory of the last quarter may exceed that of the second, above no tracing. */
const MOST_GROWTH = 20 * MIB;

const TURNS = 25;

/**
 * V8 enlarges its young generation in steps, over an hour under this load. It has its largest size from the beginning, in
 * MiB: what grows after that is kept by somebody.
 */
const FLAGS = ['--min-semi-space-size=16', '--max-semi-space-size=16'];

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
  },
});
const seconds = Number(options.minutes) * 60;
const perSecond = Number(options.rate) / 2;
if (!(seconds > 0 && perSecond > 0)) throw new Error('--minutes and --rate: numbers');

const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-soak-'));
const server = new FlappingServer(Number(options.seed));
try {
  const conversation = join(directory, 'conversation');
  await runWorker({ scenario: 'record', contender: 'nothing', size: TURNS, file: conversation });
  const url = await server.start();
  setTimeout(() => server.heal(), seconds * 1000);
  const load = { url, conversation };
  const [bare, ...results] = await Promise.all([
    soak({ ...load, title: 'not traced', exporter: 'nothing' }),
    soak({ ...load, title: 'no spool', exporter: 'ours' }),
    soak({ ...load, title: 'spool', exporter: 'ours', spool: join(directory, 'spool') }),
  ]);
  for (const result of results) result.broken = brokenInvariants(result, bare);
  print([bare, ...results]);
  if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}

/** @param {{ url: string, conversation: string, title: string, exporter: string, spool?: string }} load */
async function soak({ url, conversation, title, exporter, spool }) {
  const events = join(directory, `${title}-events`);
  const numbers = join(directory, `${title}-numbers`);
  const env = {
    BRAINTRUST_API_KEY: KEY,
    BRAINTRUST_APP_URL: url,
    BRAINTRUST_API_URL: url,
    ...(spool && { FLUE_BRAINTRUST_SPOOL_DIR: spool }),
  };
  const samples = [];
  let timer;
  const ended = await runProgram(
    { exporter, seconds, perSecond, conversation, events, numbers },
    {
      program: 'soak-load.mjs',
      flags: FLAGS,
      env,
      limitMs: seconds * 1000 + GRACE_MS,
      onStart: (pid) => {
        timer = setInterval(() => samples.push(...sampleOf(pid)), SAMPLE_MS);
      },
    },
  );
  clearInterval(timer);
  const counts = compare(expectedSpans(events), server.rows());
  const reported = ended.code === 0 ? JSON.parse(readFileSync(numbers, 'utf8')) : undefined;
  const quarters = [1, 2, 3, 4].map((quarter) => quarterOf(samples, quarter));
  const slope = slopeOf(samples.slice(samples.length / 2));
  return { title, ended, counts, reported, quarters, slope, broken: [] };
}

/** @param {number} pid @returns {{ rss: number, threads: number }[]} one, or none */
function sampleOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    return rss > 0 ? [{ rss, threads: readdirSync(`/proc/${pid}/task`).length }] : [];
  } catch {
    return [];
  }
}

function quarterOf(samples, quarter) {
  const at = (part) => Math.floor((samples.length * part) / 4);
  const own = samples.slice(at(quarter - 1), at(quarter));
  const threads = Math.max(...own.map(({ threads }) => threads));
  return { rss: median(own.map(({ rss }) => rss)), threads };
}

/** By how much memory grows, bytes per minute: the straight line that fits best. */
function slopeOf(samples) {
  const middle = (samples.length - 1) / 2;
  const average = mean(samples.map(({ rss }) => rss));
  let [above, below] = [0, 0];
  for (const [number, { rss }] of samples.entries()) {
    above += (number - middle) * (rss - average);
    below += (number - middle) ** 2;
  }
  return (above / below) * (60_000 / SAMPLE_MS);
}

function brokenInvariants({ ended, counts, reported, quarters }, bare) {
  if (reported === undefined)
    return [`it ended with ${ended.signal ?? ended.code}: ${ended.stderr}`];
  const { accepted, sent, pending, spooled = 0, lost } = reported.stats;
  const found = [];
  if (reported.unbalanced > 0)
    found.push(`the numbers did not add up ${reported.unbalanced} times`);
  if (accepted !== sent) {
    found.push(`${accepted} accepted, ${sent} sent: ${JSON.stringify({ pending, spooled, lost })}`);
  }
  if (counts.lost > 0) found.push(`${counts.lost} of ${counts.expected} spans are lost`);
  if (counts.open > 0) found.push(`${counts.open} spans have no end`);
  if (counts.twice > 0) found.push(`${counts.twice} spans are there twice`);
  const growth = growthOf(quarters) - Math.max(0, growthOf(bare.quarters));
  if (growth > MOST_GROWTH) found.push(`memory grows by ${Math.round(growth / MIB)} MiB`);
  const [, second, , last] = quarters;
  if (last.threads > second.threads) found.push('threads grow');
  return found;
}

/** From the second quarter to the last: the first is the process's start. */
function growthOf([, second, , last]) {
  return last.rss - second.rss;
}

function print(results) {
  const { lines } = describeMachine();
  const moods = Object.entries(server.moods).map(([mood, times]) => `${mood} ${times}`);
  const mib = (bytes) => (bytes / MIB).toFixed(0);
  const head =
    'process|spans|arrived|RSS by quarter, MiB|at the end, MiB/min|threads|requests|retries|counted lost|exit';
  const rows = results.map(({ title, counts, quarters, slope, reported, ended }) => [
    title,
    counts.expected.toLocaleString('en'),
    counts.delivered.toLocaleString('en'),
    quarters.map(({ rss }) => mib(rss)).join(' '),
    (slope / MIB).toFixed(1),
    quarters.map(({ threads }) => threads).join(' '),
    String(reported?.stats?.requests ?? '–'),
    String(reported?.stats?.retries ?? '–'),
    reported?.stats
      ? String(Object.values(reported.stats.lost).reduce((all, rows) => all + rows, 0))
      : '–',
    String(ended.signal ?? ended.code),
  ]);
  console.log(lines.map((line) => `- ${line}`).join('\n'));
  const requests = server.requests.toLocaleString('en');
  console.log(`\n${options.minutes} minutes, ${requests} requests: ${moods.join(', ')}\n`);
  console.log(table(head.split('|'), rows));
  for (const { title, broken } of results) {
    for (const what of broken) console.log(`\nBroken, ${title}: ${what}`);
  }
}
