'use strict';

// Where in a trace a search has matches.

const { walkSpans } = require('../support/span-facts');

/** @typedef {import('../collector/types').Row} Row */
/** @typedef {import('../collector/types').Span} Span */
/** @typedef {import('../collector/types').Trace} Trace */

/**
 * @param {Trace} trace
 * @param {ReadonlySet<string>} matches ids of rows and of comments
 * @returns {Set<string>} the row ids of its spans among them, or with a comment among them
 */
function matchesIn({ spans }, matches) {
  const isMatch = (/** @type {Row} */ { id }) => matches.has(id);
  const found = spans.filter(({ row, comments }) => isMatch(row) || comments.some(isMatch));
  return new Set(found.map(({ rowId }) => rowId));
}

/**
 * @param {Trace} trace
 * @param {ReadonlySet<string>} matches row ids
 * @returns {string[]} the row ids of the spans above them, each once, that are not matches themselves
 */
function ancestorsOf({ roots }, matches) {
  /** @type {Set<string>} */
  const ancestors = new Set();
  /** The spans above the next one. @type {Span[]} */
  const above = [];
  for (const { span, depth } of walkSpans(roots)) {
    above.length = depth;
    if (matches.has(span.rowId)) {
      // Those above an ancestor are noted already.
      for (let n = depth - 1; n >= 0; n -= 1) {
        const rowId = /** @type {Span} */ (above[n]).rowId;
        if (ancestors.has(rowId)) break;
        ancestors.add(rowId);
      }
    }
    above.push(span);
  }
  return [...ancestors].filter((rowId) => !matches.has(rowId));
}

module.exports = { ancestorsOf, matchesIn };
