'use strict';

// Attempts of a trace, for lists.

const { findRecoveries } = require('../support/attempts');

/** @typedef {import('./types').SpanSummary} SpanSummary */

/**
 * What became of a trace, in words.
 *
 * @param {SpanSummary[]} spans the summaries of the trace, each before its children
 * @returns {string | null} such as `attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 finished`; null without a
 *   recovery
 */
function describeOutcome(spans) {
  const [first] = findRecoveries(spans);
  const cut = spans.find(({ interrupted, lost }) => interrupted || lost);
  return first?.story ?? (cut === undefined ? null : `${cut.name} was interrupted`);
}

module.exports = { describeOutcome };
