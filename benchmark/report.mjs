import { beside } from './beside.mjs';
import { contenders } from './contenders.mjs';
import { SHORT_TURNS, TIMES_SHORT, WITH_RULES } from './experiments.mjs';
import * as figures from './figures.mjs';
import { CLASSES } from './meter.mjs';
import { median } from './statistics.mjs';
import { cell, count, mebibytes, table } from './table.mjs';

/** The turns of the conversation whose calls are listed by kind. */
const COLD_TURNS = 60;
/** From what costs nothing to what costs most. */
const KINDS = ['text_delta', 'tool_start', 'tool', 'turn', 'turn_request'];

const names = contenders.filter(({ apart }) => !apart).map(({ name }) => name);

/**
 * @param {object} all
 * @param {import('./results.mjs').Results} all.results
 * @param {import('./criteria.mjs').Verdict[]} all.verdicts
 * @param {string[]} all.machine
 * @param {import('./experiments.mjs').Experiment[]} all.experiments
 * @param {{ minutes: number, repetitions: number, how: string }} all.run `how`: its options
 * @returns {string} Markdown
 */
export function report({ results, verdicts, machine, experiments, run }) {
  const ran = (name) => experiments.some((experiment) => experiment.name === name);
  const has = (name, size) => results.sizes(name).includes(size);
  const sections = [
    preamble(machine, run),
    targets(verdicts),
    ...(names.includes('before') ? [beside(results, experiments)] : []),
    ...(ran('replay') ? [conversations(results, 'replay')] : []),
    ...(has('replay', 400) ? [growth(results, 'replay')] : []),
    ...(has('replay', 200) ? [histogram(results)] : []),
    ...(ran('paced') ? [conversations(results, 'paced'), kinds(results)] : []),
    ...(ran('fresh') ? [conversations(results, 'fresh')] : []),
    ...(ran('live') ? [conversations(results, 'live')] : []),
    ...(has('live', 400) ? [growth(results, 'live')] : []),
    ...experiments
      .filter(({ scenario }) => scenario === 'fleet')
      .map((experiment) => fleet(results, experiment)),
    ...(ran('spans') ? [spans(results)] : []),
    ...['throughput', 'throughput-sink'].filter(ran).map((name) => throughput(results, name)),
    ...['memory-deaf', 'memory-hole'].filter(ran).map((name) => memory(results, name)),
    ...(ran('rules') ? [rules(results)] : []),
    ...(ran('startup') ? [startup(results)] : []),
    ...(ran('interceptor') ? [interceptor(results)] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function preamble(machine, { minutes, repetitions, how }) {
  return [
    '# What tracing costs',
    '',
    `Measured ${new Date().toISOString().slice(0, 10)} in ${minutes.toFixed(0)} minutes by ` +
      `\`npm run bench${how}\`.`,
    '',
    ...machine.map((line) => `- ${line}`),
    '',
    `Every figure is the median of ${repetitions} processes (in brackets the least and the most), of ${TIMES_SHORT} times as`,
    `many for conversations of up to ${SHORT_TURNS} turns, which ran one after the other and interleaved. Every process first`,
    'compiles its code on another conversation,',
    'waits until that is delivered, and collects all garbage. **Loop** is the time in which the event loop',
    'was busy (`eventLoopUtilization().active`) until everything was delivered, less that of the run',
    'which traces nothing; **calls** is the part spent inside the observer. **Loop CPU** is the CPU time',
    "of the loop's thread, which other processes on the machine do not lengthen. The servers are other",
    'processes; what a contender lost is shown only if it keeps count. Where event-loop time is measured they answer in 60 ms, as over a network, and give way.',
  ].join('\n');
}

function targets(verdicts) {
  const sign = (passed) => (passed === undefined ? 'not measured' : passed ? 'met' : '**missed**');
  const rows = verdicts.map(({ target, measured, passed }) => [target, measured, sign(passed)]);
  return `## Targets\n\n${table(['target', 'measured', ''], rows)}`;
}

function conversations(results, experiment) {
  const titles = {
    replay: '## Replayed conversations\n\nRecorded from Flue, and replayed without it.',
    paced:
      '## Replayed conversations, one event every 2 ms\n\n' +
      'As in life, an exporter is at rest when the next event comes: waking it up costs, too.',
    fresh:
      '## Replayed conversations, in a fresh process\n\n' +
      'Nothing was replayed before: V8 still interprets the code, and compiles it at the same time.',
    live: '## Live agents\n\nFlue works as well, so loop and CPU times are differences of large numbers.',
  };
  const head = ['turns', '', 'loop ms', 'of stringify', 'of 3.35', 'calls ms', 'longest call ms'];
  const more = ['loop CPU ms', 'CPU ms', 'peak RSS MiB', 'uploaded MiB', 'rows lost'];
  const rows = results.sizes(experiment).flatMap((size) =>
    names.map((name) => {
      const of = (read) => results.figures(experiment, size, name, read);
      const above = (read) => results.above(experiment, size, name, read);
      const loop = figures.loopTimes(results, experiment, size, name);
      const than = (other) =>
        figures.ratio(loop, figures.loopTimes(results, experiment, size, other));
      const isBase = name === 'nothing';
      return [
        String(size),
        name,
        isBase ? `(${cell(of(({ active }) => active))} itself)` : cell(loop),
        isBase ? '' : cell([than('stringify')].filter(Number.isFinite), 2),
        isBase ? '' : cell([than('braintrust 3.35')].filter(Number.isFinite), 2),
        cell(figures.callTimes(results, experiment, size, name)),
        cell(
          of(({ calls }) => calls.longest),
          2,
        ),
        isBase ? '' : cell(figures.loopCpu(results, experiment, size, name)),
        isBase ? '' : cell(above(({ cpu }) => cpu)),
        mebibytes(of(({ peakRss }) => peakRss)),
        mebibytes(of(({ server }) => server?.bytes)),
        count(of(figures.lostRows)),
      ];
    }),
  );
  return `${titles[experiment]}\n\n${table([...head, ...more], rows)}`;
}

function growth(results, experiment) {
  const [first, last] = figures.EARLY_TURNS;
  const head = ['', `turns ${first}–${last}`];
  for (const turn of figures.LATE_TURNS) head.push(figures.lateTurns(turn).join('–'));
  const rows = names.map((name) => {
    const of = (read) => results.figures(experiment, 400, name, read);
    const cost = (turns) => cell(of((run) => figures.costPerTurn(run, turns) * 1000));
    const late = figures.LATE_TURNS.map((turn) => cost(figures.lateTurns(turn)));
    return [
      name,
      cost(figures.EARLY_TURNS),
      ...late,
      cell(
        of((run) => figures.growth(run, 400)),
        2,
      ),
    ];
  });
  const title = `### Cost of a turn (${experiment}), microseconds in calls, in a conversation of 400`;
  return `${title}\n\n${table([...head, 'growth to 400'], rows)}`;
}

function histogram(results) {
  const size = 200;
  const head = ['', ...CLASSES.map((bound) => `≤ ${bound} ms`), `> ${CLASSES.at(-1)} ms`];
  const rows = names.map((name) => {
    const classes = [...CLASSES, Infinity].map((_, index) =>
      median(results.figures('replay', size, name, ({ calls }) => calls.histogram[index])),
    );
    return [name, ...classes.map((calls) => String(calls ?? '–'))];
  });
  return `### Calls by duration, ${size} turns replayed\n\n${table(head, rows)}`;
}

/** What the first call after a pause costs, beside the same in a row of calls. */
function kinds(results) {
  const columns = ['replay', 'paced'].flatMap((experiment) =>
    ['nothing', 'stringify', 'ours'].map((name) => ({ experiment, name })),
  );
  const head = columns.map(({ experiment, name }) => `${experiment}: ${name}`);
  const rows = KINDS.map((kind) => {
    const medianOf = ({ calls }) => (median(calls.byKind[kind] ?? []) ?? NaN) * 1000;
    const cells = columns.map(({ experiment, name }) =>
      cell(results.figures(experiment, COLD_TURNS, name, medianOf)),
    );
    return [kind].concat(cells);
  });
  const title = `### The median call by kind, microseconds, ${COLD_TURNS} turns`;
  return `${title}\n\n${table([''].concat(head), rows)}`;
}

/** @param {import('./results.mjs').Results} results @param {import('./experiments.mjs').Experiment} experiment */
function fleet(results, experiment) {
  const { name: experimentName, turns, resultBytes } = experiment;
  const head = ['conversations', '', 'calls µs per turn', 'of stringify', 'loop CPU µs per turn'];
  const more = ['longest call ms', 'RSS MiB', 'uploaded MiB', 'rows lost'];
  const rows = results.sizes(experimentName).flatMap((size) =>
    names
      .filter((name) => results.runs(experimentName, size, name).length > 0)
      .map((name) => {
        const of = (read) => results.figures(experimentName, size, name, read);
        const times = (contender) => figures.fleetTurn(results, experiment, size, contender);
        const isBase = name === 'nothing';
        return [
          String(size),
          name,
          cell(times(name)),
          isBase
            ? ''
            : cell([figures.ratio(times(name), times('stringify'))].filter(Number.isFinite), 2),
          isBase ? '' : cell(figures.fleetTurnCpu(results, experiment, size, name)),
          cell(
            of(({ calls }) => calls.longest),
            2,
          ),
          mebibytes(of(({ rss }) => rss)),
          mebibytes(of(({ server }) => server?.bytes)),
          count(of(figures.lostRows)),
        ];
      }),
  );
  const title = `## Conversations that take turns, ${turns} turns each, with results of ${resultBytes} bytes`;
  return `${title}\n\n${table([...head, ...more], rows)}`;
}

function spans(results) {
  const [size] = results.sizes('spans');
  const head = ['', 'loop µs per span', 'calls µs per span', 'loop CPU µs per span'];
  const more = ['longest call ms', 'accepted per s', 'spans not stored'];
  const rows = names.map((name) => {
    const each = (figures) => cell(figures.map((ms) => (ms * 1000) / size));
    const of = (read) => results.figures('spans', size, name, read);
    const isBase = name === 'nothing';
    return [
      name,
      isBase ? '' : each(figures.loopTimes(results, 'spans', size, name)),
      each(figures.callTimes(results, 'spans', size, name)),
      isBase ? '' : each(figures.loopCpu(results, 'spans', size, name)),
      cell(
        of(({ calls }) => calls.longest),
        2,
      ),
      count(of((run) => figures.acceptedPerSecond(run, size))),
      count(of((run) => size - figures.storedSpans(run, size))),
    ];
  });
  const title = `## ${size.toLocaleString('en')} tool calls, two events each, as fast as they go`;
  return `${title}\n\n${table([...head, ...more], rows)}`;
}

function throughput(results, experiment) {
  const [size] = results.sizes(experiment);
  const head = ['', 'stored per s', 'not stored', 'recorded in ms', 'CPU ms', 'peak RSS MiB'];
  const rows = names
    .filter((name) => results.runs(experiment, size, name).length > 0)
    .map((name) => {
      const of = (read) => results.figures(experiment, size, name, read);
      return [
        name,
        count(of((run) => figures.storedPerSecond(run, size))),
        count(of((run) => size - figures.storedSpans(run, size))),
        count(of(({ produced }) => produced)),
        count(of(({ cpu }) => cpu)),
        mebibytes(of(({ peakRss }) => peakRss)),
      ];
    });
  const server =
    experiment === 'throughput'
      ? 'the collector, 40,000 per second'
      : 'a server that reads nothing, all at once';
  const title = `## ${size.toLocaleString('en')} tool calls to ${server}, from the first event to the last row`;
  return `${title}\n\n${table(head, rows)}`;
}

function memory(results, experiment) {
  const titles = {
    'memory-deaf': '## Memory kept when uploads are never answered',
    'memory-hole': '## Memory kept when nothing is ever answered, not even the login',
  };
  const head = ['turns', '', 'RSS MiB', 'heap MiB', 'outside the heap MiB', 'peak RSS MiB'];
  const rows = results
    .sizes(experiment)
    .flatMap((size) =>
      names.map((name) => [
        String(size),
        name,
        ...['rss', 'heap', 'native'].map((kind) =>
          mebibytes(figures.retained(results, experiment, size, name, kind)),
        ),
        mebibytes(results.figures(experiment, size, name, ({ peakRss }) => peakRss)),
        mebibytes(results.figures(experiment, size, name, ({ messageBytes }) => messageBytes)),
        count(results.figures(experiment, size, name, figures.lostRows)),
      ]),
    );
  return `${titles[experiment]}\n\n${table([...head, 'distinct messages MiB', 'rows lost'], rows)}`;
}

function rules(results) {
  const rows = ['ours', `ours${WITH_RULES}`].map((name) => [
    name,
    cell(figures.callTimes(results, 'rules', 200, name)),
    cell(figures.loopCpu(results, 'rules', 200, name)),
    cell(figures.engineCpu(results, 'rules', 200, name)),
  ]);
  const head = ['', 'calls ms', 'loop CPU ms', 'engine CPU ms'];
  return `## 200 turns with ten redaction rules\n\n${table(head, rows)}`;
}

function startup(results) {
  const rows = names
    .filter((name) => results.runs('startup', 1, name).length > 0)
    .map((name) => {
      const of = (read) => results.figures('startup', 1, name, read);
      return [
        name,
        cell(of(({ startup }) => startup)),
        cell(of((run) => run.import)),
        cell(of(({ init }) => init)),
        count(of(({ added }) => added?.length)),
      ];
    });
  const head = ['', 'together ms', 'import ms', 'initLogger ms', 'threads started'];
  return `## A cold start\n\n${table(head, rows)}`;
}

function interceptor(results) {
  const [size] = results.sizes('interceptor');
  const rows = names
    .filter((name) => results.runs('interceptor', size, name).length > 0)
    .map((name) => {
      const calls = figures.callTimes(results, 'interceptor', size, name);
      const loop = figures.loopTimes(results, 'interceptor', size, name);
      return [
        name,
        cell(
          calls.map((ms) => (ms * 1000) / size),
          2,
        ),
        name === 'nothing'
          ? ''
          : cell(
              loop.map((ms) => (ms * 1000) / size),
              2,
            ),
      ];
    });
  const title = `## ${size.toLocaleString('en')} calls of the interceptor for a model's chunks`;
  const note = 'Timing a call takes about 0.1 µs itself. 3.17 has no interceptor.';
  return `${title}\n\n${note}\n\n${table(['', 'call µs', 'loop µs per call'], rows)}`;
}
