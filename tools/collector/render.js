'use strict';

// A trace as a tree for the terminal.

const { styleText } = require('node:util');

const { counted, formatCost, formatCount, formatDuration } = require('../support/format');
const { printable, shorten, widthOf } = require('./text');

/** @typedef {import('./types').Span} Span */
/** @typedef {import('./types').Trace} Trace */
/** @typedef {Parameters<typeof styleText>[0] | null} Style a style of `styleText`, null for none */
/** @typedef {(style: Style, text: string) => string} Paint */

/**
 * A line of the tree: a span with its cells, or a remark (an error, a problem) below one.
 *
 * @typedef {object} Line
 * @property {string} branch the box drawing before it
 * @property {string} text the span's name, or the remark
 * @property {Style} style of the text
 * @property {string[] | null} cells what the columns show; null for a remark
 */

/** @typedef {{ align: 'left' | 'right', style: Style }} Column */

/** @type {Column[]} */
const COLUMNS = [
  { align: 'left', style: 'dim' }, // type
  { align: 'right', style: null }, // duration
  { align: 'right', style: null }, // prompt tokens, arrow
  { align: 'left', style: null }, // completion tokens
  { align: 'left', style: 'dim' }, // cached tokens
  { align: 'right', style: 'green' }, // cost
];
/** Columns that stick to the one before, without a gap. */
const JOINED = new Set([3]);
const GAP = '  ';
const MIN_NAME_WIDTH = 16;
/** The deepest level with an indentation of its own. */
const MAX_INDENTS = 20;

/** @type {{ [type: string]: Style }} */
const NAME_STYLES = { llm: 'magenta', tool: 'cyan', task: 'blue' };

/**
 * Draws a trace as a tree for a terminal.
 *
 * The first line sums up: id, time from the first start to the last end, tokens and cost of the
 * `llm` spans (parents may repeat the sums of their children), spans, open spans. Then each span
 * has a line: name, type, duration, tokens (prompt→completion), cached prompt tokens, cost in
 * dollars; below it, where there are such, the first line of its error and its problems. Spans at more than 20 levels
 * have the same indentation, and their level as a number.
 *
 * @param {Trace} trace
 * @param {object} [options]
 * @param {boolean} [options.color] with ANSI colours; default false
 * @param {number} [options.width] columns of the terminal; default 100
 * @returns {string} lines that end with a line feed each
 */
function renderTrace(trace, { color = false, width = 100 } = {}) {
  /** @type {Paint} */
  const paint = (style, text) =>
    color && style !== null && text !== ''
      ? styleText(style, text, { validateStream: false })
      : text;
  const lines = treeLines(trace.roots);
  const rows = layOut(lines, width, paint);
  return [headerLine(trace, paint), ...rows].map((row) => `${row.trimEnd()}\n`).join('');
}

/**
 * @param {Trace} trace
 * @param {Paint} paint
 * @returns {string}
 */
function headerLine({ id, spans, openSpans }, paint) {
  const llm = spans.filter((span) => span.type === 'llm');
  const costs = llm.flatMap((span) => span.metrics.estimated_cost ?? []);
  const cost = llm.length > 0 && costs.length === 0 ? 'cost unknown' : formatCost(sum(costs));
  const tokens = sum(llm.map((span) => tokensOf(span)));
  const facts = [
    totalDuration(spans, openSpans),
    counted(tokens, 'token'),
    cost,
    counted(spans.length, 'span'),
  ].join(' · ');
  const open = paint(openSpans > 0 ? 'yellow' : 'dim', ` · ${formatCount(openSpans)} open`);
  return `${paint('bold', `trace ${printable(id)}`)} · ${facts}${open}`;
}

/**
 * @param {Span[]} spans
 * @param {number} openSpans
 * @returns {string}
 */
function totalDuration(spans, openSpans) {
  const starts = spans.flatMap(({ start }) => start ?? []);
  const ends = spans.flatMap(({ end }) => end ?? []);
  if (starts.length === 0 || ends.length === 0) return 'running';
  const seconds = ends.reduce(larger) - starts.reduce(smaller);
  return `${formatDuration(seconds)}${openSpans > 0 ? ' so far' : ''}`;
}

/**
 * The lines of the spans, each before those of its children. Without recursion: a trace may be any number of spans
 * deep.
 *
 * @param {Span[]} roots
 * @returns {Line[]}
 */
function treeLines(roots) {
  /** @type {Line[]} */
  const lines = [];
  /** @type {{ span: Span, branch: string, below: string, depth: number }[]} */
  const waiting = roots.toReversed().map((span) => ({ span, branch: '', below: '', depth: 0 }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { span, branch, below, depth } = next;
    const isDeep = depth >= MAX_INDENTS;
    const trunk = isDeep ? below : `${below}${span.children.length > 0 ? '│' : ' '}  `;
    for (const line of spanLines(span, branch, trunk)) lines.push(line);
    const last = span.children.length - 1;
    const children = span.children.map((child, index) => {
      // Deeper spans stand below each other, with their depth.
      if (isDeep) return { span: child, branch: `${below}${depth + 1}: `, below, depth: depth + 1 };
      const [corner, stem] = index === last ? ['└─ ', '   '] : ['├─ ', '│  '];
      return { span: child, branch: below + corner, below: below + stem, depth: depth + 1 };
    });
    for (const child of children.toReversed()) waiting.push(child);
  }
  return lines;
}

/**
 * The line of a span, and the remarks below it.
 *
 * @param {Span} span
 * @param {string} branch what stands before its name
 * @param {string} trunk what stands before the remarks
 * @returns {Line[]}
 */
function spanLines(span, branch, trunk) {
  const failed = span.error !== null;
  /** @type {Style} */
  const style = failed ? 'red' : (NAME_STYLES[span.type] ?? null);
  /** @type {(text: string, style: Style) => Line} */
  const remark = (text, remarkStyle) => ({
    branch: trunk,
    text: printable(text),
    style: remarkStyle,
    cells: null,
  });
  return [
    { branch, text: printable(span.name), style, cells: cellsOf(span) },
    ...(failed ? [remark(`✗ ${span.error}`, 'red')] : []),
    ...(isMarked(span, 'flue.cancelled') ? [remark('⊘ cancelled', 'yellow')] : []),
    ...(isMarked(span, 'flue.interrupted')
      ? [remark('⚠ interrupted: its own end never came', 'yellow')]
      : []),
    ...span.problems.map((problem) => remark(`⚠ ${problem}`, 'yellow')),
  ];
}

/**
 * Whether a member of the span's metadata is `true`.
 * @param {Span} span
 * @param {string} name
 */
function isMarked({ row }, name) {
  const metadata = /** @type {{ [name: string]: unknown } | undefined} */ (row.metadata);
  return metadata?.[name] === true;
}

/**
 * @param {Span} span
 * @returns {string[]} one text per column
 */
function cellsOf({ type, start, end, metrics }) {
  const { prompt_tokens: prompt, completion_tokens: completion, estimated_cost: cost } = metrics;
  const hasTokens = prompt !== undefined || completion !== undefined;
  const cached = metrics.prompt_cached_tokens ?? 0;
  const duration = start === null || end === null ? '' : formatDuration(end - start);
  return [
    printable(type),
    end === null ? 'open' : duration,
    hasTokens ? `${prompt === undefined ? '?' : formatCount(prompt)}→` : '',
    hasTokens ? (completion === undefined ? '?' : formatCount(completion)) : '',
    cached > 0 ? `(${formatCount(cached)} cached)` : '',
    cost === undefined ? '' : formatCost(cost),
  ];
}

/**
 * @param {Line[]} lines
 * @param {number} width
 * @param {Paint} paint
 * @returns {string[]}
 */
function layOut(lines, width, paint) {
  const widths = COLUMNS.map((_, column) =>
    lines.map(({ cells }) => widthOf(cells?.[column] ?? '')).reduce(larger, 0),
  );
  const cellsWidth = widths.reduce(
    (total, w, column) => total + w + gapBefore(column, w).length,
    0,
  );
  const names = lines.filter(({ cells }) => cells !== null);
  const widestName = names.map((l) => l.branch.length + widthOf(l.text)).reduce(larger, 0);
  const nameWidth = Math.max(MIN_NAME_WIDTH, Math.min(widestName, width - cellsWidth));

  return lines.map(({ branch, text, style, cells }) => {
    const room = (cells === null ? width : nameWidth) - branch.length;
    const name = shorten(text, Math.max(room, 1));
    const start = `${paint('dim', branch)}${paint(style, name)}`;
    if (cells === null) return start;
    const padding = ' '.repeat(Math.max(0, room - widthOf(name)));
    return `${start}${padding}${cells.map((cell, i) => layCell(cell, i, widths, paint)).join('')}`;
  });
}

/**
 * @param {string} cell
 * @param {number} column
 * @param {number[]} widths
 * @param {Paint} paint
 * @returns {string}
 */
function layCell(cell, column, widths, paint) {
  const width = widths[column] ?? 0;
  const { align, style } = /** @type {Column} */ (COLUMNS[column]);
  const padding = ' '.repeat(width - widthOf(cell));
  const text = paint(cell === 'open' ? 'yellow' : style, cell);
  return `${gapBefore(column, width)}${align === 'right' ? padding + text : text + padding}`;
}

/**
 * @param {number} column
 * @param {number} width the column's own
 * @returns {string} what separates it from the column before; nothing for an empty column
 */
function gapBefore(column, width) {
  return width === 0 || JOINED.has(column) ? '' : GAP;
}

/**
 * @param {Span} span
 * @returns {number} all its tokens
 */
function tokensOf({ metrics }) {
  return metrics.tokens ?? (metrics.prompt_tokens ?? 0) + (metrics.completion_tokens ?? 0);
}

/**
 * @param {number[]} numbers
 * @returns {number}
 */
function sum(numbers) {
  return numbers.reduce((total, n) => total + n, 0);
}

/** @param {number} a @param {number} b @returns {number} */
const larger = (a, b) => Math.max(a, b);
/** @param {number} a @param {number} b @returns {number} */
const smaller = (a, b) => Math.min(a, b);

module.exports = { renderTrace };
