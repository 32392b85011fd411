'use strict';

// A trace as a tree for the terminal.

const { styleText } = require('node:util');

const { counted, formatCost, formatCount, formatDuration } = require('../support/format');
const { countFailures } = require('../viewer/summaries');
const { headlineOf } = require('./headline');
const { printable, shorten, widthOf } = require('./text');
const { layOut } = require('./tree-layout');
const { indentsIn, treeLines } = require('./tree-lines');

/** @typedef {import('./types').Span} Span */
/** @typedef {import('./types').Trace} Trace */
/** @typedef {Parameters<typeof styleText>[0] | null} Style a style of `styleText`, null for none */
/** @typedef {(style: Style, text: string) => string} Paint */

const DEFAULT_WIDTH = 100;

/**
 * How a trace is drawn.
 *
 * @typedef {object} RenderOptions
 * @property {boolean} [color] with ANSI colours; default false
 * @property {number} [width] columns of the terminal, which no line but a link exceeds; default 100, and the first line
 *   may be longer
 * @property {string} [link] where the trace can be seen
 */

/**
 * Draws a trace as a tree for a terminal.
 *
 * The first line has the agent and its question, if known. The next sums up: id, time from the first start to the last
 * end, tokens and cost of the `llm` spans (parents may repeat the sums of their children), spans, open spans. Then each
 * span has a line: name, type, duration, tokens (prompt→completion), cached prompt tokens, cost in
 * dollars; below it, where there are such, the first line of its error and its problems. Spans at more than 20 levels
 * have the same indentation, and their level as a number; in a narrow terminal fewer levels, and fewer columns. The
 * last line is the link.
 *
 * @param {Trace} trace
 * @param {RenderOptions} [options]
 * @returns {string} lines that end with a line feed each
 */
function renderTrace(trace, { color = false, width, link } = {}) {
  const paint = painterOf(color);
  const columns = columnsOf(width);
  const lines = layOut(treeLines(trace.roots, indentsIn(columns)), columns, paint);
  const rows = [
    ...headline(trace, columns, paint),
    ...summaryLines(trace, width === undefined ? Infinity : columns, paint),
    ...lines,
    ...(link === undefined ? [] : [paint('underline', link)]),
  ];
  return rows.map((row) => `${row.trimEnd()}\n`).join('');
}

/**
 * A trace in one line: its id, duration, spans and errors, agent and question, and the link.
 *
 * @param {Trace} trace
 * @param {RenderOptions} [options] the question is shortened to the width
 * @returns {string} with a line feed
 */
function renderLine(trace, { color = false, width: given, link } = {}) {
  const width = columnsOf(given);
  const paint = painterOf(color);
  const { id, spans, openSpans } = trace;
  const errors = countFailures(trace);
  const facts = [
    totalDuration(spans, openSpans),
    counted(spans.length, 'span'),
    ...(openSpans > 0 ? [`${formatCount(openSpans)} open`] : []),
  ];
  const name = shorten(printable(id), Math.max(8, width));
  const start = `trace ${name} · ${facts.join(' · ')}`;
  const failed = errors > 0 ? ` · ${counted(errors, 'error')}` : '';
  const about = aboutOf(trace) || printable(trace.roots[0]?.name ?? '');
  const room = width - widthOf(start) - failed.length - 3;
  return [
    paint('bold', `trace ${name}`),
    ` · ${facts.join(' · ')}`,
    paint('red', failed),
    ...(room >= 8 && about !== '' ? [' · ', shorten(about, room)] : []),
    ...(link === undefined ? [] : [' · ', paint('underline', link)]),
    '\n',
  ].join('');
}

/**
 * @param {number | undefined} width which some terminals report as 0
 * @returns {number}
 */
function columnsOf(width = DEFAULT_WIDTH) {
  return width > 0 ? Math.max(1, Math.floor(width)) : DEFAULT_WIDTH;
}

/**
 * @param {boolean} color
 * @returns {Paint}
 */
function painterOf(color) {
  return (style, text) =>
    color && style !== null && text !== ''
      ? styleText(style, text, { validateStream: false })
      : text;
}

/** @param {Trace} trace */
function aboutOf(trace) {
  const { agent, question } = headlineOf(trace);
  return [agent, question].filter((part) => part !== '').join(': ');
}

/**
 * The agent and its question.
 *
 * @param {Trace} trace
 * @param {number} width
 * @param {Paint} paint
 * @returns {string[]} one line, or none
 */
function headline(trace, width, paint) {
  const { agent, question } = headlineOf(trace);
  const about = shorten(aboutOf(trace), width);
  if (about === '') return [];
  const named = agent !== '' && question !== '' && about.startsWith(`${agent}: `);
  return [named ? paint('bold', agent) + about.slice(agent.length) : about];
}

/**
 * @param {Trace} trace
 * @param {number} width
 * @param {Paint} paint
 * @returns {string[]} one line where it fits
 */
function summaryLines({ id, spans, openSpans }, width, paint) {
  const llm = spans.filter((span) => span.type === 'llm');
  const costs = llm.flatMap((span) => span.metrics.estimated_cost ?? []);
  const cost = llm.length > 0 && costs.length === 0 ? 'cost unknown' : formatCost(sum(costs));
  const tokens = sum(llm.map((span) => tokensOf(span)));
  /** @type {{ text: string, style: Style }[]} */
  const facts = [
    { text: shorten(`trace ${printable(id)}`, width), style: 'bold' },
    { text: totalDuration(spans, openSpans), style: null },
    { text: counted(tokens, 'token'), style: null },
    { text: cost, style: null },
    { text: counted(spans.length, 'span'), style: null },
    { text: `${formatCount(openSpans)} open`, style: openSpans > 0 ? 'yellow' : 'dim' },
  ];
  const rows = [''];
  let used = 0;
  for (const { text, style } of facts) {
    const wide = widthOf(text);
    const separator = used === 0 ? '' : ' · ';
    const fits = used === 0 || used + separator.length + wide <= width;
    if (fits) rows[rows.length - 1] += paint(style === 'bold' ? null : style, separator);
    else rows.push('');
    rows[rows.length - 1] += paint(style, fits ? text : shorten(text, width));
    used = fits ? used + separator.length + wide : wide;
  }
  return rows;
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

module.exports = { renderLine, renderTrace };
