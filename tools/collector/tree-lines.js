'use strict';

// The lines of a trace's tree: its spans, and the remarks below them.

const { formatCost, formatCount, formatDuration } = require('../support/format');
const { isInterrupted, metadataOf } = require('../support/span-facts');
const { printable, shorten } = require('./text');

/** @typedef {import('./types').Span} Span */
/** @typedef {import('./render').Style} Style */

/**
 * A line of the tree: a span with its cells, or a remark (an error, a problem) below one.
 *
 * @typedef {object} Line
 * @property {string} branch the box drawing before it
 * @property {string} text the span's name, or the remark
 * @property {Style} style of the text
 * @property {string[] | null} cells what the columns show; null for a remark
 */

/** The deepest level with an indentation of its own, where there is room. */
const MAX_INDENTS = 20;
/** The most columns of a type. */
const MAX_TYPE_WIDTH = 20;
/** What a line has besides its indentation, in columns. */
const MIN_TEXT_WIDTH = 40;

/** By type, which may be any text of a row. @type {Map<string, Style>} */
const NAME_STYLES = new Map([
  ['llm', 'magenta'],
  ['tool', 'cyan'],
  ['task', 'blue'],
]);

/** @param {number} width @returns {number} how many levels have an indentation of their own */
function indentsIn(width) {
  return Math.min(MAX_INDENTS, Math.max(1, Math.floor((width - MIN_TEXT_WIDTH) / 3)));
}

/**
 * The lines of the spans, each before those of its children. Without recursion: a trace may be any number of spans
 * deep.
 *
 * @param {Span[]} roots
 * @param {number} indents how many levels have an indentation of their own
 * @returns {Line[]}
 */
function treeLines(roots, indents) {
  /** @type {Line[]} */
  const lines = [];
  /** @type {{ span: Span, branch: string, below: string, depth: number }[]} */
  const waiting = roots.toReversed().map((span) => ({ span, branch: '', below: '', depth: 0 }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { span, branch, below, depth } = next;
    const isDeep = depth >= indents;
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
 * @param {string} branch the text before its name
 * @param {string} trunk the text before the remarks
 * @returns {Line[]}
 */
function spanLines(span, branch, trunk) {
  const failed = span.error !== null;
  /** @type {Style} */
  const style = failed ? 'red' : (NAME_STYLES.get(span.type) ?? null);
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
    ...(metadataOf(span)['flue.cancelled'] === true ? [remark('⊘ cancelled', 'yellow')] : []),
    ...(isInterrupted(span) ? [remark('⚠ interrupted: its own end never came', 'yellow')] : []),
    ...span.problems.map((problem) => remark(`⚠ ${problem}`, 'yellow')),
  ];
}

/**
 * @param {Span} span
 * @returns {string[]} one text per column
 */
function cellsOf({ type, start, end, lost, metrics }) {
  const { prompt_tokens: prompt, completion_tokens: completion, estimated_cost: cost } = metrics;
  const hasTokens = prompt !== undefined || completion !== undefined;
  const cached = metrics.prompt_cached_tokens ?? 0;
  const duration = start === null || end === null ? '' : formatDuration(end - start);
  return [
    shorten(printable(type), MAX_TYPE_WIDTH),
    end === null ? (lost ? 'no end' : 'open') : duration,
    hasTokens ? `${prompt === undefined ? '?' : formatCount(prompt)}→` : '',
    hasTokens ? (completion === undefined ? '?' : formatCount(completion)) : '',
    cached > 0 ? `(${formatCount(cached)} cached)` : '',
    cost === undefined ? '' : formatCost(cost),
  ];
}

module.exports = { indentsIn, treeLines };
