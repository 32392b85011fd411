/**
 * Produces spans as fast as it can: `node faults/pressure-producer.mjs <job as JSON>`. Prints its
 * figures, and ends at once, whatever an exporter would still like to do.
 *
 * @typedef {object} Job
 * @property {string} exporter
 * @property {number} spans
 * @property {number} [size] of each result
 * @property {number} [pauseEvery] after so many spans the loop turns
 * @property {number} [perSecond] how many spans are offered in a second; default: as many as can be
 * @property {boolean} delivers whether there is a server to wait for
 *
 * @typedef {object} Figures
 * @property {number} producedMs until the last span was recorded
 * @property {number} longest call, milliseconds
 * @property {number | undefined} longestOwn the same, without the time in which another process had the
 *   core, where the system reports it
 * @property {number} slow how many calls took more than 5 ms
 * @property {number} growth of the resident memory, at its peak, in bytes
 * @property {number} peakRss
 * @property {any} stats the exporter's own counters
 */
import { openSync, readSync, writeSync } from 'node:fs';
import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import { contenderOf } from '../benchmark/contenders.mjs';
import { frozenClone } from '../benchmark/frozen-clone.mjs';
import { operation } from './synthetic.mjs';

const FLUSH_MS = 120_000;
const SLOW_MS = 5;

/** How long the exporter has for what it does in the background, before its numbers are read. */
const QUIET_MS = 2000;

/** How many calls are judged together by how long the thread waited for a core. */
const SLICE = 50;

/** @type {Job} */
const job = JSON.parse(process.argv[2]);
const { observe, flush, stats } = await contenderOf(job.exporter).load();
const { begin, toolStart, tool, end } = operation('pressure');
const waited = waitingTime();

const before = process.memoryUsage.rss();
const times = { longest: 0, longestOwn: 0, slow: 0 };
/** The longest call since the thread's waiting was looked at. */
let [slice, sliceLongest, sliceWaited] = [0, 0, waited()];

const began = performance.now();
begin().forEach(timed);
for (let number = 1; number <= job.spans; number += 1) {
  const text = job.size === undefined ? undefined : `${number} `.padEnd(job.size, 'x');
  timed(toolStart(number));
  timed(tool(number, text));
  if (job.pauseEvery && number % job.pauseEvery === 0) {
    await nextLoop();
    const early = (number / (job.perSecond ?? Infinity)) * 1000 - (performance.now() - began);
    if (early > 1) await sleep(early);
  }
}
end().forEach(timed);
endSlice();
const producedMs = performance.now() - began;

if (job.delivers) await flush({ timeoutMs: FLUSH_MS });
await sleep(QUIET_MS);
const peakRss = process.resourceUsage().maxRSS * 1024;
const { longest, slow } = times;
const longestOwn = sliceWaited === undefined ? undefined : times.longestOwn;
const growth = peakRss - before;
const figures = { producedMs, longest, longestOwn, slow, growth, peakRss, stats: stats?.() };
writeSync(1, `figures ${JSON.stringify(figures)}\n`);
process.kill(process.pid, 'SIGKILL');

/**
 * Emits the event as Flue does: as a deep-frozen clone of its own.
 *
 * @param {any} recorded
 */
function timed(recorded) {
  const event = frozenClone(recorded);
  const began = performance.now();
  observe(event);
  const took = performance.now() - began;
  if (took > times.longest) times.longest = took;
  if (took > sliceLongest) sliceLongest = took;
  if (took > SLOW_MS) times.slow += 1;
  slice += 1;
  if (slice >= SLICE) endSlice();
}

function endSlice() {
  const now = waited();
  times.longestOwn = Math.max(times.longestOwn, sliceLongest - (now - sliceWaited));
  [slice, sliceLongest, sliceWaited] = [0, 0, now];
}

/** @returns {() => number | undefined} milliseconds for which this thread has waited for a core */
function waitingTime() {
  try {
    const file = openSync('/proc/thread-self/schedstat');
    const buffer = Buffer.alloc(128);
    return () => {
      const length = readSync(file, buffer, 0, buffer.length, 0);
      return Number(buffer.toString('latin1', 0, length).split(' ')[1]) / 1e6;
    };
  } catch {
    return () => undefined;
  }
}
