'use strict';

// Counts what was collected, including traces that are not kept.

const { keepNewest } = require('../support/keep-newest');

/** @typedef {import('./types').Row} Row */

/** So many traces are known again, those of which rows came last. */
const MAX_KNOWN = 100_000;

/** The traces and spans of which rows have arrived since the start. */
class Totals {
  /** In the order of their last row. @type {Set<string>} */
  #known = new Set();
  /** A trace counts again after 100,000 others. */
  traces = 0;
  /** A span counts again if it was dropped before its next row. */
  spans = 0;

  /**
   * @param {Row | undefined} before what was stored of a row
   * @param {Row | undefined} after what is
   */
  count(before, after) {
    const traceId = after?.root_span_id;
    if (typeof traceId !== 'string') return;
    if (typeof after?.span_id === 'string' && before?.span_id === undefined) this.spans += 1;
    if (!this.#known.delete(traceId)) this.traces += 1;
    this.#known.add(traceId);
    keepNewest(this.#known, MAX_KNOWN);
  }
}

module.exports = { Totals };
