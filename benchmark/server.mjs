/**
 * The process on the other end, so that its work costs the measured one nothing; it reports what it got when it is
 * asked:
 *
 *     node benchmark/server.mjs collector|sink|drain|deaf|hole [delay in ms]
 *
 * `collector`  the collector of this package
 * `sink`       stores uploads, and parses them only when it is asked
 * `drain`      the same, and keeps nothing
 * `deaf`       lets clients log in, and never answers an upload
 * `hole`       never answers anything
 */
import { createRequire } from 'node:module';
import { Sink } from './sink.mjs';

const { startCollector } = createRequire(import.meta.url)('../tools/collector/index.js');

const SINKS = ['sink', 'drain', 'deaf', 'hole'];

const [mode, delay = '0'] = process.argv.slice(2);
if (mode !== 'collector' && !SINKS.includes(mode)) throw new Error(`no such server: ${mode}`);
const counts =
  mode === 'collector' ? await collector(Number(delay)) : await sink(mode, Number(delay));

process.on('message', ({ since }) => process.send(counts(since)));
process.on('disconnect', () => process.exit());

/** @param {number} delayMs how long an answer takes, as over a network */
async function collector(delayMs) {
  let changedAt = 0n;
  const collector = await startCollector({
    // Nobody looks at its traces, so it builds none.
    quietMs: 2 ** 31 - 1,
    ...(delayMs > 0 && { intercept: () => ({ processFirst: true, delayMs }) }),
  });
  collector.on('change', () => {
    changedAt = process.hrtime.bigint();
  });
  process.send({ url: collector.url });
  return (since) => ({
    ...countRows(collector.rows()),
    ...countRequests(collector.requests, since),
    problems: collector.problems.slice(0, 5),
    changedAt: String(changedAt),
  });
}

/** @param {string} mode @param {number} delayMs */
async function sink(mode, delayMs) {
  const sink = new Sink(mode, delayMs);
  process.send({ url: await sink.start() });
  return (since) => ({
    ...countRows(mode === 'sink' ? sink.rows() : []),
    ...countRequests(sink.requests, since),
    changedAt: String(sink.changedAt),
  });
}

/** @param {Iterable<any>} rows merged */
function countRows(rows) {
  let spans = 0;
  let ended = 0;
  for (const { metrics } of rows) {
    spans += 1;
    if (metrics?.end !== undefined) ended += 1;
  }
  return { spans, ended };
}

/** @param {{ at: number, bytes: number }[]} requests @param {number} since */
function countRequests(requests, since) {
  const counted = requests.filter(({ at }) => at >= since);
  const bytes = counted.reduce((total, request) => total + request.bytes, 0);
  return { requests: counted.length, bytes };
}
