'use strict';

// Builds the trees of traces from rows.

const { isObject } = require('../support/json');
const { commentsIn } = require('../support/comments');
const { findLost, openContinued } = require('./lost-spans');

/** @typedef {import('./types').Row} Row */
/** @typedef {import('./types').Span} Span */
/** @typedef {import('./types').Trace} Trace */

/** @type {Row[]} */
const NO_COMMENTS = [];

/**
 * Builds the tree of one trace.
 *
 * The parent of a span is the first of its `span_parents` that the trace has. A span whose parents are all
 * missing, or that would be its own ancestor, becomes a root with an entry in its `problems`.
 *
 * @param {string} id the `root_span_id`
 * @param {Row[]} rows the rows that have it, and the comments on them, in the order of their arrival
 * @param {boolean} [isPartial] whether rows of it were dropped: then it is no problem that something is missing
 * @returns {Trace}
 */
function buildTrace(id, rows, isPartial = false) {
  const comments = commentsIn(rows);
  const spans = rows
    .filter((row) => typeof row.span_id === 'string')
    .map((row) => toSpan(row, comments.get(row.id) ?? NO_COMMENTS, isPartial));

  /** @type {Map<string, Span>} */
  const bySpanId = new Map();
  for (const span of spans) {
    const first = bySpanId.get(span.spanId);
    if (first === undefined) bySpanId.set(span.spanId, span);
    else span.problems.push(`span_id ${span.spanId} also belongs to row ${first.rowId}`);
  }

  const parents = findParents(spans, bySpanId, isPartial);
  /** @type {Span[]} */
  const roots = [];
  for (const span of spans) (parents.get(span)?.children ?? roots).push(span);
  for (const siblings of [roots, ...spans.map((span) => span.children)]) siblings.sort(byStart);

  openContinued(spans, roots);
  if (spans.some(({ end }) => end === null)) {
    const lost = findLost(roots);
    for (const span of spans) span.lost = lost.has(span.rowId);
  }
  const openSpans = spans.filter(({ end, lost }) => end === null && !lost).length;
  return {
    id,
    spans,
    roots,
    finished: openSpans === 0 && spans.some((span) => parentIds(span).length === 0),
    openSpans,
    problems: spans.flatMap(({ rowId, problems }) =>
      problems.map((problem) => ({ rowId, problem })),
    ),
  };
}

/**
 * The facts that follow from a row alone. Rows are never changed in place, so that they stay valid.
 *
 * @typedef {Omit<Span, 'children' | 'comments' | 'lost'>} Facts
 * @type {WeakMap<Row, Facts>}
 */
const facts = new WeakMap();

/**
 * @param {Row} row
 * @param {Row[]} comments
 * @param {boolean} isPartial whether other rows of the span may have been dropped
 * @returns {Span}
 */
function toSpan(row, comments, isPartial) {
  let own = facts.get(row);
  if (own === undefined) facts.set(row, (own = factsOf(row)));
  const { rowId, spanId, name, type, start, end, metrics, error } = own;
  const problems = isPartial ? [] : [...own.problems];
  // Written out: a spread takes longer.
  return {
    rowId,
    spanId,
    name,
    type,
    start,
    end,
    lost: false,
    metrics,
    error,
    children: [],
    problems,
    row,
    comments,
  };
}

/**
 * @param {Row} row
 * @returns {Facts}
 */
function factsOf(row) {
  const attributes = isObject(row.span_attributes) ? row.span_attributes : {};
  const metrics = finiteNumbers(row.metrics);
  const name = typeof attributes.name === 'string' && attributes.name !== '' ? attributes.name : '';
  return {
    rowId: row.id,
    spanId: String(row.span_id),
    name: name || '(no name)',
    type: typeof attributes.type === 'string' ? attributes.type : '',
    start: metrics.start ?? null,
    end: metrics.end ?? null,
    metrics,
    error: errorLine(row.error),
    problems: [
      ...(name === '' ? ['span_attributes.name was never sent'] : []),
      ...(row.created === undefined ? ['created was never sent'] : []),
      ...(metrics.start === undefined ? ['metrics.start was never sent'] : []),
    ],
    row,
  };
}

/**
 * @param {unknown} metrics
 * @returns {{ [name: string]: number }}
 */
function finiteNumbers(metrics) {
  /** @type {[string, number][]} */
  const numbers = [];
  for (const [name, value] of Object.entries(isObject(metrics) ? metrics : {})) {
    if (typeof value === 'number' && Number.isFinite(value)) numbers.push([name, value]);
  }
  return Object.fromEntries(numbers);
}

/**
 * @param {unknown} error
 * @returns {string | null} the first line that is not blank
 */
function errorLine(error) {
  if (error === undefined || error === null) return null;
  const message = isObject(error) && typeof error.message === 'string' ? error.message : error;
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return text.split('\n').find((line) => line.trim() !== '') ?? '(empty error)';
}

/**
 * @param {Span} span
 * @returns {string[]}
 */
function parentIds(span) {
  const parents = span.row.span_parents;
  return Array.isArray(parents) ? parents.filter((parent) => typeof parent === 'string') : [];
}

/**
 * Finds each span's parent and notes missing parents and cycles.
 *
 * @param {Span[]} spans
 * @param {Map<string, Span>} bySpanId
 * @param {boolean} isPartial whether parents may have been dropped
 * @returns {Map<Span, Span>} from span to parent; tops of the tree have none
 */
function findParents(spans, bySpanId, isPartial) {
  /** @type {Map<Span, Span>} */
  const parents = new Map();
  /** An ancestor of each span with a parent, mostly the top. @type {Map<Span, Span>} */
  const ancestors = new Map();
  for (const span of spans) {
    for (const parentId of parentIds(span)) {
      const parent = bySpanId.get(parentId);
      if (parent === undefined) {
        if (!isPartial) span.problems.push(`parent ${parentId} is missing`);
      } else if (isWithin(parent, span, parents, ancestors)) {
        span.problems.push(`parent ${parentId} lies below the span itself`);
      } else if (!parents.has(span)) {
        parents.set(span, parent);
        ancestors.set(span, parent);
      }
    }
  }
  return parents;
}

/**
 * @param {Span} span
 * @param {Span} ancestor
 * @param {Map<Span, Span>} parents
 * @param {Map<Span, Span>} ancestors
 * @returns {boolean} whether `span` is `ancestor` or lies below it
 */
function isWithin(span, ancestor, parents, ancestors) {
  // A span that has no parent yet is the top of all that lies below it.
  if (!parents.has(ancestor)) return topOf(span, ancestors) === ancestor;
  /** @type {Span | undefined} */
  let at = span;
  while (at !== undefined && at !== ancestor) at = parents.get(at);
  return at === ancestor;
}

/**
 * The top above a span. Shortens the way for later calls, so that chains of any length take linear time.
 *
 * @param {Span} span
 * @param {Map<Span, Span>} ancestors
 * @returns {Span}
 */
function topOf(span, ancestors) {
  let top = span;
  for (let up = ancestors.get(top); up !== undefined; up = ancestors.get(top)) top = up;
  for (let at = span; at !== top;) {
    const up = ancestors.get(at) ?? top;
    ancestors.set(at, top);
    at = up;
  }
  return top;
}

/**
 * @param {Span} a
 * @param {Span} b
 * @returns {number} the earlier first; those without a start last, in their order of arrival
 */
function byStart(a, b) {
  if (a.start === b.start) return 0;
  if (a.start === null) return 1;
  if (b.start === null) return -1;
  return a.start - b.start;
}

module.exports = { buildTrace, finiteNumbers };
