'use strict';

// Attempts of a trace, for lists.

const { findRecoveries } = require('../support/attempts');

/** @typedef {import('../collector/types').JsonObject} JsonObject */
/** @typedef {import('./types').SpanSummary} SpanSummary */

/**
 * The members of a span's summary that state to which attempt it belongs.
 *
 * @param {JsonObject} metadata
 * @returns {Pick<SpanSummary, 'operation' | 'attempt' | 'maxAttempts'>}
 */
function attemptMembers(metadata) {
  const operation = metadata['flue.operation_id'];
  const isPart = typeof operation === 'string' && metadata['flue.operation'] === undefined;
  return {
    operation: isPart ? operation : null,
    attempt: countOrNull(metadata['flue.attempt']),
    maxAttempts: countOrNull(metadata['flue.max_attempts']),
  };
}

/**
 * What became of a trace, in words.
 *
 * @param {SpanSummary[]} spans the summaries of the trace, each before its children
 * @returns {import('./types').Outcome}
 */
function summarizeOutcome(spans) {
  const recoveries = findRecoveries(spans);
  const [first] = recoveries;
  const cut = spans.find(({ interrupted, lost }) => interrupted || lost);
  return {
    running: spans.some(({ end, lost }) => end === null && !lost),
    story: first?.story ?? (cut === undefined ? null : `${cut.name} was interrupted`),
  };
}

/** @param {unknown} value @returns {number | null} */
function countOrNull(value) {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}

module.exports = { attemptMembers, summarizeOutcome };
