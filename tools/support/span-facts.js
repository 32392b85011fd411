'use strict';

// What the metadata of spans states, and the order of spans in lists.

const { isObject } = require('./json');

/** @typedef {import('./attempts').AttemptSpan} AttemptSpan */
/** @typedef {import('../collector/types').Span} Span */

/**
 * @param {Span | undefined} span
 * @returns {{ [member: string]: unknown }}
 */
function metadataOf(span) {
  return isObject(span?.row.metadata) ? span.row.metadata : {};
}

/**
 * Whether another process has ended a span in place of its own. False if the last attempt has reported the end, and the
 * process of an earlier attempt was found dead only after that.
 *
 * @param {Span} span
 */
function wasClosed(span) {
  const metadata = metadataOf(span);
  if (metadata['flue.interrupted'] !== true || span.end === null) return false;
  const hasEndedWell = span.error === null && metadata['flue.cancelled'] !== true;
  const isLast = hasEndedWell || metadata['flue.submission_outcome'] !== undefined;
  return span.metrics.duration_ms === undefined || !isLast;
}

/** @param {Span} span @returns {boolean} whether it did not end by itself, and does not run */
const isInterrupted = (span) => span.lost || wasClosed(span);

/**
 * @param {Span[]} roots
 * @returns {Generator<{ span: Span, depth: number }>} the spans from the top, each before its children
 */
function* walkSpans(roots) {
  const waiting = roots.toReversed().map((span) => ({ span, depth: 0 }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    const { span, depth } = next;
    for (const child of span.children.toReversed()) waiting.push({ span: child, depth: depth + 1 });
  }
}

/**
 * @param {Span} span
 * @param {number} depth
 * @returns {AttemptSpan}
 */
function attemptSpanOf(span, depth) {
  const { rowId, name, type, start, end, lost, error } = span;
  const metadata = metadataOf(span);
  const operation = metadata['flue.operation_id'];
  const isPart = typeof operation === 'string' && metadata['flue.operation'] === undefined;
  return {
    rowId,
    depth,
    name,
    type,
    start,
    end,
    error,
    lost,
    interrupted: wasClosed(span),
    cancelled: metadata['flue.cancelled'] === true,
    operation: isPart ? operation : null,
    attempt: countOrNull(metadata['flue.attempt']),
    maxAttempts: countOrNull(metadata['flue.max_attempts']),
  };
}

/** @param {unknown} value @returns {number | null} */
function countOrNull(value) {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}

module.exports = { attemptSpanOf, isInterrupted, metadataOf, walkSpans, wasClosed };
