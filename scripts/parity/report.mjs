/** Prints what was found, for people; 100 columns wide. */

import { version } from './lines.mjs';

const WIDTH = 100;
const [WHAT, SIDE, COUNT] = [49, 19, 6];

const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

/** @typedef {import('./compare.mjs').Difference & { rule?: import('./rules.mjs').Rule }} Explained */

/**
 * @typedef {object} Played
 * @property {string} line
 * @property {string} scenario
 * @property {{ official: number, ours: number }} spans how many each exporter wrote
 * @property {{ official: number, ours: number }} problems what the collector finds wrong with them
 * @property {Explained[]} differences
 */

/** @param {{ colour: boolean }} options @returns {(style: keyof typeof styles, text: string) => string} */
export function painter({ colour }) {
  return (style, text) => (colour ? `\u001B[${styles[style]}m${text}\u001B[0m` : text);
}

/**
 * Every difference, those that look alike in one row.
 *
 * @param {Explained[]} differences
 * @param {ReturnType<typeof painter>} paint
 */
export function differenceTable(differences, paint) {
  const head = columns('difference', `braintrust ${version}`, 'flue-braintrust', 'spans');
  const out = [paint('bold', head), rule()];
  for (const [id, group] of groupBy(differences, ({ rule }) => rule?.id ?? '')) {
    const [{ rule: reasoned }] = group;
    out.push(
      reasoned
        ? `${paint('cyan', id)} ${paint('dim', `· ${reasoned.reason}`)}`
        : paint('red', 'UNEXPLAINED'),
    );
    for (const alike of groupBy(group, likeness).values()) {
      const [{ field, official, ours }] = alike;
      const side = field === 'parent' ? cutStart : cut;
      const sides = [official, ours].map((value) => side(show(value), SIDE));
      const row = columns(`  ${what(alike[0])}`, ...sides, alike.length);
      out.push(reasoned ? row : paint('red', row));
    }
  }
  return out.join('\n');
}

/**
 * One difference after the other, whole.
 *
 * @param {Explained[]} differences
 * @param {ReturnType<typeof painter>} paint
 */
export function detailList(differences, paint) {
  return differences
    .map((difference) => {
      const { line, scenario, activity, official, ours, rule } = difference;
      const verdict = rule ? paint('cyan', rule.id) : paint('red', 'UNEXPLAINED');
      return [
        `${paint('bold', `${line} ${scenario}`)} ${activity}`,
        `  ${what(difference)}: ${verdict}`,
        `    braintrust       ${text(official)}`,
        `    flue-braintrust  ${text(ours)}`,
      ].join('\n');
    })
    .join('\n');
}

/** What no rule explains, once more and with an example, so that it cannot be overlooked. */
export function unexplainedList(differences, paint) {
  const open = differences.filter(({ rule }) => !rule);
  const out = [];
  for (const alike of groupBy(open, likeness).values()) {
    const [{ line, scenario, activity, official, ours }] = alike;
    const where = [...new Set(alike.map(({ line }) => line))].join(', ');
    out.push(
      paint(
        'red',
        cut(`UNEXPLAINED  ${what(alike[0])}, ${alike.length} × on Flue ${where}`, WIDTH),
      ),
      cut(`  such as          ${line} ${scenario}, ${activity}`, WIDTH),
      cut(`  braintrust       ${show(official)}`, WIDTH),
      cut(`  flue-braintrust  ${show(ours)}`, WIDTH),
    );
  }
  return out.join('\n');
}

/** @param {Explained[]} differences @param {ReturnType<typeof painter>} paint */
export function ruleTable(differences, rules, paint) {
  const found = groupBy(differences, ({ rule }) => rule?.id ?? '');
  const row = (id, sort, spans, why) =>
    `${id.padEnd(23)}${sort.padEnd(11)}${String(spans).padStart(6)}  ${cut(why, 58)}`;
  const out = [paint('bold', row('rule', 'sort', 'spans', 'why')), rule()];
  for (const { id, sort, reason } of new Map(rules.map((rule) => [rule.id, rule])).values()) {
    const spans = spansIn(found.get(id) ?? []);
    const text = row(id, sort, spans, reason);
    out.push(spans > 0 ? text : paint('dim', text));
  }
  const open = spansIn(found.get('') ?? []);
  const last = row('UNEXPLAINED', '', open, open > 0 ? 'no rule explains them' : 'nothing');
  out.push(rule(), paint(open > 0 ? 'red' : 'green', last));
  return out.join('\n');
}

/** @param {Played[]} played @param {ReturnType<typeof painter>} paint */
export function lineTable(played, paint) {
  const row = (...cells) =>
    cells.map((cell, index) => (index ? String(cell).padStart(15) : cell.padEnd(24))).join('');
  const out = [
    paint(
      'bold',
      row('Flue', 'scenarios', 'spans theirs', 'spans ours', 'differences', 'unexplained'),
    ),
    rule(),
  ];
  const sum = (runs, count) => runs.reduce((total, run) => total + count(run), 0);
  for (const [line, runs] of [...groupBy(played, ({ line }) => line), ['all', played]]) {
    const open = sum(runs, ({ differences }) => differences.filter(({ rule }) => !rule).length);
    const cells = row(
      line,
      runs.length,
      sum(runs, ({ spans }) => spans.official),
      sum(runs, ({ spans }) => spans.ours),
      sum(runs, ({ differences }) => differences.length),
      open,
    );
    if (line === 'all') out.push(rule());
    out.push(open > 0 ? paint('red', cells) : cells);
  }
  const wrong = [
    sum(played, ({ problems }) => problems.official),
    sum(played, ({ problems }) => problems.ours),
  ];
  out.push(`rows against Braintrust’s conventions: ${wrong[0]} of theirs, ${wrong[1]} of ours`);
  return out.join('\n');
}

/** How many spans a group of differences is about. */
function spansIn(differences) {
  const names = differences.map(
    ({ line, scenario, activity }) => `${line} ${scenario} ${activity}`,
  );
  return new Set(names).size;
}

export function what({ kind, field, key }) {
  return `${kind} ${key === undefined ? field : `${field}.${key}`}`;
}

/** Differences in the same place that are there on the same sides. */
function likeness(difference) {
  return `${what(difference)} ${difference.official === undefined} ${difference.ours === undefined}`;
}

function columns(what, official, ours, spans) {
  const cell = (text, width) => cut(text, width).padEnd(width);
  const sides = `${cell(official, SIDE)}  ${cell(ours, SIDE)}`;
  return `${cell(what, WHAT)}  ${sides}  ${String(spans).padStart(COUNT)}`;
}

const show = (value) => (value === undefined ? '–' : text(value).replaceAll(/\s+/g, ' '));
const text = (value) => {
  if (value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
};
const cutStart = (text, width) => (text.length > width ? `…${text.slice(1 - width)}` : text);
const cut = (text, width) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
const rule = () => '─'.repeat(WIDTH);

/** @template T @param {T[]} items @param {(item: T) => string} key @returns {Map<string, T[]>} */
function groupBy(items, key) {
  return Map.groupBy(items, key);
}
