'use strict';

// The spans of the traces that pages show, as the waterfall lists them.

const { keepNewest } = require('../support/keep-newest');
const { walkSpans } = require('../support/span-facts');
const { summarizeSpan } = require('./summaries');

/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').SpanSummary} SpanSummary */

/** How many traces have their summaries remembered. */
const MAX_TRACES = 8;

/**
 * @typedef {object} Known
 * @property {Trace} trace
 * @property {SpanSummary[]} summaries
 * @property {Map<string, { row: object, summary: SpanSummary }>} byRowId
 */

/** Summarises spans, and gives the same object for a span that did not change. */
class SpanLists {
  /** @type {Map<string, Known>} */
  #known = new Map();

  /**
   * The spans of a trace, without content: from the top, each before its children.
   *
   * @param {Trace} trace
   * @returns {SpanSummary[]} the same list for the same trace
   */
  of(trace) {
    const before = this.#known.get(trace.id);
    this.#known.delete(trace.id);
    const known = before?.trace === trace ? before : listSpans(trace, before);
    this.#known.set(trace.id, known);
    keepNewest(this.#known, MAX_TRACES);
    return known.summaries;
  }
}

/**
 * @param {Trace} trace
 * @param {Known} [before]
 * @returns {Known}
 */
function listSpans(trace, before) {
  /** @type {Known} */
  const known = { trace, summaries: [], byRowId: new Map() };
  for (const { span, depth } of walkSpans(trace.roots)) {
    const { rowId, row, end, lost, children, problems } = span;
    const last = before?.byRowId.get(rowId);
    // Rows are values: the same object has the same content.
    const isSame =
      last?.row === row &&
      last.summary.depth === depth &&
      last.summary.end === end &&
      last.summary.lost === lost &&
      last.summary.children === children.length &&
      last.summary.problems === problems.length;
    const summary = isSame ? last.summary : summarizeSpan(span, depth);
    known.summaries.push(summary);
    known.byRowId.set(rowId, { row, summary });
  }
  return known;
}

module.exports = { SpanLists, listSpans };
