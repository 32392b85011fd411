import { table } from '../benchmark/table.mjs';
import { delayOf, reported, statusOf } from './promises.mjs';

const HEAD = [
  'scenario',
  'exporter',
  'spans',
  'arrived',
  'open',
  'twice',
  'again',
  'lost',
  'told (rows)',
  'exit',
  'added ms',
  'RSS MiB',
  'remarks',
];

/**
 * One exporter in one scenario: its worst run, and what is broken in any.
 *
 * @typedef {object} Line
 * @property {import('./scenarios.mjs').Scenario} scenario
 * @property {string} exporter
 * @property {import('./play.mjs').Run} run
 * @property {import('./play.mjs').Run} baseline
 * @property {string[]} broken
 */

export const report = ({ lines }) => resultTable(lines);

/** @param {Line[]} lines @returns {string} a Markdown table */
function resultTable(lines) {
  let last;
  const rows = lines.map((line) => {
    const title = line.scenario.title === last ? '' : line.scenario.title;
    last = line.scenario.title;
    return [title, ...cells(line)];
  });
  return table(HEAD, rows);
}

/** @param {Line} line */
function cells({ scenario, exporter, run, baseline, broken }) {
  const { counts, ended, repeated, numbers, leaked } = run;
  const remarks = [
    ...(ended.cut ? ['killed, because it hung'] : []),
    ...(leaked && broken.length === 0 ? ['wrote the key'] : []),
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
    numbers.length > 0 ? String(reported(run)) : '–',
    ended.cut ? '–' : statusOf(ended),
    ended.cut ? '–' : rounded(delayOf(run, baseline)),
    // Of the first process only: elsewhere it is not the application's.
    ['fork', 'cluster'].includes(scenario.place) ? '–' : rounded(ended.peakRss / 2 ** 20),
    remarks.join('; '),
  ];
}

const rounded = (figure) => (Number.isFinite(figure) ? String(Math.round(figure)) : '–');
