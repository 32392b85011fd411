/** The targets. Where one cannot be measured, as in a partial run, it has not passed. */
import { WITH_RULES } from './experiments.mjs';
import * as figures from './figures.mjs';
import { median } from './statistics.mjs';

const MIB = 2 ** 20;

/** What the memory of conversations is bounded by; see `js/conversation-memory.js` and `docs/performance.md`. */
const REMEMBERED_BYTES = 512 * MIB;
/** The event queue, and what the runtime and the allocators need besides. */
const OTHER_BYTES = 256 * MIB;
/** How much more a turn may cost among many conversations. */
const MOST_FLEET_GROWTH = 1.3;

/**
 * @typedef {object} Verdict
 * @property {string} target
 * @property {string} measured
 * @property {boolean | undefined} passed undefined when it was not measured
 */

/**
 * @param {import('./results.mjs').Results} results
 * @returns {Verdict[]}
 */
export function criteria(results) {
  return [
    ...[60, 200, 400].flatMap((turns) => loopTargets(results, turns)),
    ...growthTargets(results),
    uploadTarget(results),
    ...fleetTargets(results, { name: 'fleet-30', turns: 30 }, 0.5),
    ...fleetTargets(results, { name: 'fleet-60', turns: 60 }, 0.25),
    ...['deaf', 'hole'].flatMap((server) => memoryTargets(results, `memory-${server}`, server)),
    ...spanTargets(results),
    ...startupTargets(results),
    ...rulesTargets(results),
    interceptorTarget(results),
  ];
}

/**
 * Where Flue or timers work as well, they hide what an exporter does after its calls: there only the
 * calls are compared, which flatters an exporter that does more later.
 *
 * @param {import('./results.mjs').Results} results
 * @param {number} turns
 */
function loopTargets(results, turns) {
  const shares = { 'braintrust 3.35': 0.1, stringify: turns === 60 ? 0.4 : 0.15 };
  return ['replay', 'paced', 'live'].flatMap((experiment) => {
    const isAlone = experiment === 'replay';
    const [what, read] = isAlone
      ? ['event-loop time', figures.loopTimes]
      : ['calls', figures.callTimes];
    const cpu = (other) => ` (by CPU time ${number(of(figures.loopCpu, other), 3)})`;
    const of = (read, other) =>
      figures.ratio(
        read(results, experiment, turns, 'ours'),
        read(results, experiment, turns, other),
      );
    const wall = results.figures(experiment, turns, 'ours', ({ calls }) => calls.longest);
    const name = `1. ${turns} turns, ${experiment}`;
    const verdicts = Object.entries(shares).map(([other, most]) =>
      atMost(
        `${name}: ${what} at most ${most} of ${other}`,
        of(read, other),
        most,
        (value) => `${number(value, 3)}${isAlone ? cpu(other) : ''}`,
        lost(results, experiment, [turns]),
      ),
    );
    const longest = under(
      `${name}: longest call under 0.5 ms`,
      median(wall),
      0.5,
      (ms) => `${number(ms, 2)} ms (best run ${number(Math.min(...wall), 2)})`,
    );
    return verdicts.concat(longest);
  });
}

/** @param {import('./results.mjs').Results} results */
function growthTargets(results) {
  return ['replay', 'live'].map((experiment) => {
    const of = (contender) =>
      median(results.figures(experiment, 400, contender, (run) => figures.growth(run, 400)));
    return atMost(
      `2. ${experiment}: cost of a turn grows at most 1.5x from turn 25 to turn 400`,
      of('ours'),
      1.5,
      (value) => `${number(value, 2)}x (stringify ${number(of('stringify'), 2)}x)`,
      lost(results, experiment, [400]),
    );
  });
}

/** @param {import('./results.mjs').Results} results */
function uploadTarget(results) {
  const most = 12e6;
  return atMost(
    '2. 400 turns, replay: at most 12 MB uploaded',
    median(results.figures('replay', 400, 'ours', ({ server }) => server?.bytes)),
    most,
    (bytes) => `${number(bytes / 1e6, 1)} MB`,
    lost(results, 'replay', [400]),
  );
}

/**
 * @param {import('./results.mjs').Results} results
 * @param {{ name: string, turns: number }} experiment
 * @param {number} share of `stringify`
 */
function fleetTargets(results, experiment, share) {
  const sizes = results.sizes(experiment.name);
  const cost = (size, contender) => median(figures.fleetTurn(results, experiment, size, contender));
  const shares = sizes.map((size) => cost(size, 'ours') / cost(size, 'stringify'));
  const costs = sizes.map((size) => cost(size, 'ours'));
  const rss = sizes.map((size) =>
    median(results.above(experiment.name, size, 'ours', (run) => run.rss)),
  );
  const rowsLost = lost(results, experiment.name, sizes);
  const between = `${sizes[0]} and ${sizes.at(-1)} conversations`;
  return [
    atMost(
      `7. ${experiment.name}: calls at most ${share} of stringify`,
      Math.max(...shares),
      share,
      (value) => number(value, 2),
      rowsLost,
    ),
    atMost(
      `7. ${experiment.name}: a turn costs the same between ${between}, within ${MOST_FLEET_GROWTH}x`,
      Math.max(...costs) / Math.min(...costs),
      MOST_FLEET_GROWTH,
      (value) => `${number(value, 2)}x`,
      rowsLost,
    ),
    atMost(
      `7. ${experiment.name}: memory within the bound`,
      Math.max(...rss),
      REMEMBERED_BYTES + OTHER_BYTES,
      (value) => `${mib(value)} MiB`,
      rowsLost,
    ),
  ];
}

/** @param {import('./results.mjs').Results} results @param {string} experiment @param {string} server */
function memoryTargets(results, experiment, server) {
  const of = (turns) => median(figures.retained(results, experiment, turns, 'ours'));
  const distinct = median(results.figures(experiment, 400, 'ours', (run) => run.messageBytes));
  const most = 3 * distinct + 24 * MIB;
  return [
    under(
      `3. ${server} server: retained memory grows less than 2.3x from 200 to 400 turns`,
      of(400) / of(200),
      2.3,
      (value) => `${number(value, 2)}x (${mib(of(200))} to ${mib(of(400))} MiB)`,
      lost(results, experiment, [200, 400]),
    ),
    atMost(
      `3. ${server} server: at most 3x the distinct messages' bytes plus 24 MiB`,
      of(400),
      most,
      (value) => `${mib(value)} MiB of ${mib(most)} (messages ${mib(distinct)})`,
      lost(results, experiment, [400]),
    ),
  ];
}

/** @param {import('./results.mjs').Results} results */
function spanTargets(results) {
  const [size] = results.sizes('spans');
  const [many] = results.sizes('throughput');
  const perSpan = (read) => (median(read(results, 'spans', size, 'ours')) * 1000) / size;
  const rate = (experiment, size, read) =>
    median(results.figures(experiment, size, 'ours', (run) => read(run, size)));
  return [
    atMost(
      '4. small span: at most 8 µs of event-loop time',
      perSpan(figures.loopTimes),
      8,
      (value) => `${number(value, 2)} µs (by CPU time ${number(perSpan(figures.loopCpu), 2)})`,
    ),
    atLeast(
      '4. small spans: at least 100,000 per second accepted',
      rate('spans', size, figures.acceptedPerSecond),
      1e5,
    ),
    sustained(
      '4. collector, offered 40,000: at least 30,000 spans per second stored',
      rate('throughput', many, figures.storedPerSecond),
      rate('throughput', many, (run, size) => size - figures.storedSpans(run, size)),
      3e4,
    ),
    atLeast(
      '4. sink, offered all at once: the same of those accepted',
      rate('throughput-sink', many, figures.storedPerSecond),
      3e4,
    ),
  ];
}

/** @param {import('./results.mjs').Results} results */
function startupTargets(results) {
  const read = (name) => results.figures('startup', 1, 'ours', (run) => run[name]);
  const threads = results.figures('startup', 1, 'ours', ({ added }) => added?.length);
  return [
    under(
      '5. import and initLogger: under 15 ms',
      median(read('startup')),
      15,
      (ms) => `${number(ms, 1)} ms`,
    ),
    under(
      '5. no thread before the first event',
      threads.length ? Math.max(...threads) : undefined,
      1,
      String,
    ),
  ];
}

/** @param {import('./results.mjs').Results} results */
function rulesTargets(results) {
  const of = (read) =>
    figures.ratio(
      read(results, 'rules', 200, `ours${WITH_RULES}`),
      read(results, 'rules', 200, 'ours'),
    );
  const times = (value) => `${number(value, 2)}x`;
  return [
    under('ten rules: the engine needs less than 2x the CPU time', of(figures.engineCpu), 2, times),
    under(
      'ten rules: the loop needs the same CPU time, within 1.2x',
      of(figures.loopCpu),
      1.2,
      times,
    ),
  ];
}

/**
 * What timing the calls takes is taken off: that of an interceptor that does nothing.
 *
 * @param {import('./results.mjs').Results} results
 */
function interceptorTarget(results) {
  const [size] = results.sizes('interceptor');
  const total = (contender) => median(figures.callTimes(results, 'interceptor', size, contender));
  return under(
    `6. ${rounded(size ?? 3000)} interceptor calls for a model's chunks: under 1 ms in total`,
    total('ours') - total('nothing'),
    1,
    (ms) => `${number(ms, 2)} ms`,
  );
}

/** The most rows that a run of ours lost: what is thrown away costs nothing and takes no memory. */
function lost(results, experiment, sizes) {
  const counts = sizes.flatMap((size) =>
    results.figures(experiment, size, 'ours', figures.lostRows),
  );
  return Math.max(0, ...counts);
}

/** @returns {Verdict} */
const atMost = (target, value, limit, show, lost = 0) =>
  verdict(target, value, value <= limit, show, lost);

/** @returns {Verdict} */
const under = (target, value, limit, show, lost = 0) =>
  verdict(target, value, value < limit, show, lost);

/** @returns {Verdict} */
const atLeast = (target, value, limit) => verdict(target, value, value >= limit, rounded);

/** Spans per second that reach a server, if none is lost on the way. @returns {Verdict} */
const sustained = (target, rate, lost, limit) =>
  verdict(target, rate, rate >= limit, rounded, lost);

/** @returns {Verdict} */
function verdict(target, value, passed, show, lost = 0) {
  if (!Number.isFinite(value)) return { target, measured: 'not measured', passed: undefined };
  if (lost === 0) return { target, measured: show(value), passed };
  return { target, measured: `${show(value)}, but ${rounded(lost)} rows lost`, passed: false };
}

const rounded = (value) => Math.round(value).toLocaleString('en');
const number = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : '–');
const mib = (bytes) => number(bytes / MIB, 1);
