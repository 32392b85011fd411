/** The tables of conversations: replayed, paced, live, and many at once. */
import { names } from './contenders.mjs';
import * as figures from './figures.mjs';
import { CLASSES } from './meter.mjs';
import { median } from './statistics.mjs';
import { cell, count, mebibytes, table } from './table.mjs';

/** The turns of the conversation whose calls are listed by kind. */
const COLD_TURNS = 60;
/** From what costs nothing to what costs most. */
const KINDS = ['text_delta', 'tool_start', 'tool', 'turn', 'turn_request'];

export function conversations(results, experiment) {
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

export function growth(results, experiment) {
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

export function histogram(results) {
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
export function kinds(results) {
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
export function fleet(results, experiment) {
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
