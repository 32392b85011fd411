'use strict';

// Summaries of traces and spans, for lists.

const { isObject } = require('../support/json');
const { attemptMembers } = require('./attempts');

/** @typedef {import('../collector/types').Span} Span */
/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').SpanSummary} SpanSummary */
/** @typedef {import('./types').TraceSummary} TraceSummary */

/**
 * A trace in one line, without content.
 *
 * @param {Trace} trace
 * @returns {TraceSummary}
 */
function summarizeTrace(trace) {
  const { id, spans, roots, openSpans } = trace;
  const root = roots[0];
  const llm = spans.filter(({ type }) => type === 'llm');
  let start = null;
  let end = null;
  for (const span of spans) {
    if (span.start !== null && (start === null || span.start < start)) start = span.start;
    if (span.end !== null && (end === null || span.end > end)) end = span.end;
  }
  return {
    id,
    name: root?.name ?? '(no name)',
    type: root?.type ?? '',
    start,
    end,
    running: openSpans > 0,
    spans: spans.length,
    // Only those of model calls: spans above them may repeat their sums.
    tokens: llm.reduce((total, { metrics }) => total + tokensOf(metrics), 0),
    cost: sumOrNull(llm.flatMap(({ metrics }) => metrics.estimated_cost ?? [])),
    errors: spans.filter(({ error }) => error !== null).length,
    failed: root !== undefined && root.error !== null,
    problems: trace.problems.length,
  };
}

/**
 * The spans of a trace as the waterfall shows them, without content: from the top, each before its
 * children.
 *
 * @param {Trace} trace
 * @returns {SpanSummary[]}
 */
function summarizeSpans({ roots }) {
  /** @type {SpanSummary[]} */
  const summaries = [];
  /** @type {{ span: Span, depth: number }[]} */
  const waiting = roots.toReversed().map((span) => ({ span, depth: 0 }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { span, depth } = next;
    summaries.push(summarizeSpan(span, depth));
    for (const child of span.children.toReversed()) waiting.push({ span: child, depth: depth + 1 });
  }
  return summaries;
}

/**
 * @param {Span} span
 * @param {number} depth
 * @returns {SpanSummary}
 */
function summarizeSpan(span, depth) {
  const { rowId, spanId, name, type, start, end, metrics, error, children, problems, row } = span;
  const metadata = isObject(row.metadata) ? row.metadata : {};
  return {
    rowId,
    spanId,
    depth,
    children: children.length,
    name,
    type,
    start,
    end,
    error,
    problems: problems.length,
    interrupted: metadata['flue.interrupted'] === true,
    cancelled: metadata['flue.cancelled'] === true,
    tokens: tokensOf(metrics),
    cost: metrics.estimated_cost ?? null,
    ...attemptMembers(metadata),
  };
}

/**
 * Whether a span's row contains the text, regardless of case.
 *
 * @param {import('../collector/types').Row} row
 * @param {string} needle in lower case
 */
function contains(row, needle) {
  const escaped = JSON.stringify(needle).slice(1, -1);
  return JSON.stringify(row).toLowerCase().includes(escaped);
}

/**
 * @param {Span['metrics']} metrics
 * @returns {number}
 */
function tokensOf({ tokens, prompt_tokens: prompt = 0, completion_tokens: completion = 0 }) {
  return tokens ?? prompt + completion;
}

/**
 * @param {number[]} numbers
 * @returns {number | null} null when there is none
 */
function sumOrNull(numbers) {
  return numbers.length === 0 ? null : numbers.reduce((total, n) => total + n, 0);
}

module.exports = { contains, summarizeSpans, summarizeTrace };
