'use strict';

// Failures, each counted once. The viewer's page bundles this file, too: it uses nothing of Node.

/**
 * The spans that failed by themselves. A failed span above another failed one reports the same failure.
 *
 * @template {{ depth: number, error: string | null }} S
 * @param {S[]} spans of one trace, each before its children
 * @returns {S[]} in the same order
 */
function findFailures(spans) {
  /** @type {S[]} */
  const failures = [];
  /** The depth of the last failure that was found below what comes next. */
  let below = -1;
  // From the last one: whatever is below a span comes before it.
  for (let at = spans.length - 1; at >= 0; at -= 1) {
    const span = /** @type {S} */ (spans[at]);
    if (span.depth < below) {
      // An ancestor of that failure. It passes the mark on to its own ancestors.
      below = span.depth;
    } else if (span.error !== null) {
      failures.push(span);
      below = Math.max(below, span.depth);
    }
  }
  return failures.toReversed();
}

module.exports = { findFailures };
