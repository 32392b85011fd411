'use strict';

// Which open spans of a trace nothing will end: their process has died.

const { findRecoveries, lostOf } = require('../support/attempts');
const { attemptMembers } = require('../viewer/attempts');
const { metadataOf, walkSpans } = require('../viewer/summaries');

/** @typedef {import('./types').Span} Span */

/** Ids of what a span of Flue is part of. Where two spans share one, the end of the upper one closes the lower one. */
const IDS = [
  'flue.operation_id',
  'flue.task_id',
  'flue.submission_id',
  'flue.dispatch_id',
  'flue.run_id',
];

/**
 * Finds the open spans that a later attempt has left behind, or that began before the end of what they are part of.
 *
 * @param {Span[]} roots
 * @returns {Set<string>} their row ids
 */
function findLost(roots) {
  /** @type {import('../support/attempts').AttemptSpan[]} */
  const spans = [];
  /** @type {Set<string>} */
  const lost = new Set();
  /** When what a span is part of has ended, for each level above the next one. @type {number[]} */
  const ends = [];
  /** @type {{ [member: string]: unknown }[]} */
  const above = [];
  for (const { span, depth } of walkSpans(roots)) {
    const { rowId, name, type, start, end, error } = span;
    const metadata = metadataOf(span);
    const parent = above[depth - 1];
    const isPart = parent !== undefined && IDS.some((id) => isSame(parent[id], metadata[id]));
    const endAbove = isPart ? (ends[depth - 1] ?? -Infinity) : -Infinity;
    if (end === null && start !== null && start < endAbove) lost.add(rowId);
    above[depth] = metadata;
    ends[depth] = Math.max(endAbove, end ?? -Infinity);
    spans.push({
      rowId,
      name,
      type,
      depth,
      start,
      end,
      error,
      interrupted: metadata['flue.interrupted'] === true,
      cancelled: metadata['flue.cancelled'] === true,
      ...attemptMembers(metadata),
    });
  }
  return new Set([...lost, ...lostOf(findRecoveries(spans))]);
}

/** @param {unknown} a @param {unknown} b */
function isSame(a, b) {
  return typeof a === 'string' && a === b;
}

module.exports = { findLost };
