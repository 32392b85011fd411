import { table } from '../benchmark/table.mjs';
import { lostRows } from './pressure.mjs';
import { delayOf, reported, statusOf } from './invariants.mjs';

const MIB = 2 ** 20;

/**
 * One exporter in one scenario: of several runs the worst.
 *
 * @typedef {object} Line
 * @property {import('./scenarios.mjs').Scenario} scenario
 * @property {string} exporter
 * @property {import('./run-scenario.mjs').Run} run
 * @property {import('./run-scenario.mjs').Run} baseline
 * @property {string[]} broken
 */

/**
 * @param {object} all
 * @param {Line[]} all.lines
 * @param {import('./pressure.mjs').PressureLine[]} all.pressure
 * @param {string[]} all.machine
 * @param {number} all.minutes
 * @param {number} all.repetitions
 * @returns {string} Markdown
 */
export function report({ lines, pressure, machine, minutes, repetitions }) {
  const broken = [...lines, ...pressure].filter(({ broken }) => broken.length > 0).length;
  const of = (name) => lines.filter(({ scenario }) => scenario.group === name);
  const section = (title, text) => [`## ${title}`, text].join('\n\n');
  const sections = [
    preamble(machine, minutes, repetitions),
    broken === 0
      ? 'This package has kept every promise.'
      : `**This package has broken what it promises in ${broken} lines**, each of which states how.`,
    ...(of('endings').length > 0 ? [section('Endings', resultTable(of('endings')))] : []),
    ...(of('faults').length > 0 ? [section('Server faults', resultTable(of('faults')))] : []),
    ...(pressure.length > 0 ? [section('Back pressure', pressureTable(pressure))] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function preamble(machine, minutes, repetitions) {
  return [
    '# What endings and faults cost',
    '',
    `Measured ${new Date().toISOString().slice(0, 10)} in ${minutes.toFixed(0)} minutes by ` +
      '`npm run faults`; again with the same command.',
    '',
    ...machine.map((line) => `- ${line}`),
    '',
    'Every line is a real process: a Flue agent, or a burst of made-up tool calls, traced to a server that',
    'answers in 60 ms as over a network. **spans** were recorded; **open** ones arrived without',
    'start or end, **twice** counts further rows for the same span, **again** rows that were sent again although',
    'the server had confirmed them, **counted** the rows that the exporter itself counts as lost (a span is one',
    'row or two; – where it reports none). **added** is by how much the end of the process, from the',
    'beginning of the ending, took longer than without tracing; where the application awaits `flush()`, with it. After',
    'a scenario with a spool another process follows on the same directory. Of this package the worst of',
    `${repetitions} runs is shown, of the others the only one.`,
  ].join('\n');
}

/** @param {Line[]} lines */
function resultTable(lines) {
  const head =
    'scenario|exporter|spans|arrived|open|twice|again|lost|counted|exit|added ms|RSS MiB|remarks';
  return table(
    head.split('|'),
    titled(lines, ({ scenario }) => scenario.title, cells),
  );
}

/** @param {Line} line */
function cells({ scenario, exporter, run, baseline, broken }) {
  const { counts, ended, repeated, numbers, leaked } = run;
  const remarks = [
    ...(ended.cut && broken.length === 0 ? ['killed, because it hung'] : []),
    ...(leaked && broken.length === 0 ? ['**wrote the key**'] : []),
    ...broken.map((what) => `**${what}**`),
  ];
  return [
    exporter,
    String(counts.expected),
    String(counts.delivered),
    String(counts.open),
    String(counts.twice),
    String(repeated),
    String(counts.lost),
    numbers.length > 0 ? String(reported(run, scenario)) : '–',
    ended.cut ? '–' : statusOf(ended),
    ended.cut ? '–' : rounded(delayOf(run, baseline)),
    // Elsewhere the first process is not the application.
    ['fork', 'cluster'].includes(scenario.place) ? '–' : rounded(ended.peakRss / MIB),
    remarks.join('; '),
  ];
}

/** @param {import('./pressure.mjs').PressureLine[]} lines */
function pressureTable(lines) {
  const head =
    'spans|exporter|produced in s|longest call ms|of its own|calls > 5 ms|RSS grew MiB|' +
    'above no tracing|arrived|counted|remarks';
  return [
    'The longest call is also given without the time in which another process had the core. The bound is',
    'that of what waits (64 MiB) and 48 MiB on top, above a run without tracing.',
    '',
    table(
      head.split('|'),
      titled(
        lines,
        ({ pressure }) => `${pressure.spans.toLocaleString('en')}, ${pressure.title}`,
        pressureCells,
      ),
    ),
  ].join('\n');
}

/** @param {import('./pressure.mjs').PressureLine} line */
function pressureCells({ exporter, ended, figures, above, arrived, broken }) {
  const remarks = broken.map((what) => `**${what}**`);
  if (figures === undefined) {
    const gone = ended.cut ? 'killed, because it hung' : `aborted (${statusOf(ended)})`;
    const peak = rounded(ended.peakRss / MIB);
    return [
      exporter,
      '–',
      '–',
      '–',
      '–',
      `peak ${peak}`,
      '–',
      String(arrived),
      '–',
      [gone, ...remarks].join('; '),
    ];
  }
  const { producedMs, longest, longestOwn, slow, growth, stats } = figures;
  return [
    exporter,
    (producedMs / 1000).toFixed(1),
    longest.toFixed(1),
    longestOwn?.toFixed(1) ?? '–',
    String(slow),
    rounded(growth / MIB),
    rounded(above / MIB),
    arrived.toLocaleString('en'),
    stats ? lostRows(figures).toLocaleString('en') : '–',
    remarks.join('; '),
  ];
}

/** Rows of a table whose first column is not repeated. */
function titled(lines, titleOf, cellsOf) {
  return lines.map((line, number) => {
    const isSame = number > 0 && titleOf(line) === titleOf(lines[number - 1]);
    return [isSame ? '' : titleOf(line), ...cellsOf(line)];
  });
}

const rounded = (figure) => (Number.isFinite(figure) ? String(Math.round(figure)) : '–');
