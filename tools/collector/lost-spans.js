'use strict';

// Which open spans of a trace nothing will end: their process has died.

const { findRecoveries, lostOf } = require('../support/attempts');
const { attemptSpanOf, metadataOf, walkSpans } = require('../support/span-facts');

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
  /** @type {Set<string>} */
  const operations = new Set();
  /** The metadata of the spans above the next one, and when what each is part of has ended. */
  const above = /** @type {{ [member: string]: unknown }[]} */ ([]);
  const ends = /** @type {number[]} */ ([]);
  /** Whether the process of each has died. */
  const dead = /** @type {boolean[]} */ ([]);
  for (const { span, depth } of walkSpans(roots)) {
    const { rowId, start, end } = span;
    const metadata = metadataOf(span);
    const isInner = depth > 0 && isPart(metadata, above[depth - 1] ?? {});
    const endAbove = isInner ? (ends[depth - 1] ?? -Infinity) : -Infinity;
    const isLate = end === null && start !== null && start < endAbove;
    // A span of the application is in the process of what it is within.
    const isWithinDead = depth > 0 && dead[depth - 1] === true && IDS.every((id) => !metadata[id]);
    dead[depth] = isLate || isWithinDead;
    if (end === null && (isLate || isWithinDead)) lost.add(rowId);
    above[depth] = metadata;
    ends[depth] = Math.max(endAbove, end ?? -Infinity);
    const attemptSpan = attemptSpanOf(span, depth);
    if (attemptSpan.operation !== null) operations.add(attemptSpan.operation);
    spans.push(attemptSpan);
  }
  // Each attempt is an operation.
  if (operations.size > 1) for (const rowId of lostOf(findRecoveries(spans))) lost.add(rowId);
  keepResumed(spans, lost);
  return lost;
}

/**
 * What is above a span that runs is not lost: a later attempt has resumed it, such as a delegated task.
 *
 * @param {import('../support/attempts').AttemptSpan[]} spans each before its children
 * @param {Set<string>} lost
 */
function keepResumed(spans, lost) {
  /** Whether a span runs at each level below the next one. */
  const running = /** @type {boolean[]} */ ([]);
  for (const { rowId, depth, end } of spans.toReversed()) {
    const isAbove = running[depth + 1] === true;
    if (isAbove) lost.delete(rowId);
    running[depth + 1] = false;
    running[depth] ||= isAbove || (end === null && !lost.has(rowId));
  }
}

/**
 * @param {{ [member: string]: unknown }} inner the metadata of a span
 * @param {{ [member: string]: unknown }} outer that of the span above it
 */
function isPart(inner, outer) {
  for (const id of IDS) if (typeof inner[id] === 'string' && inner[id] === outer[id]) return true;
  return false;
}

module.exports = { findLost };
