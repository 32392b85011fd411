'use strict';

// Which ends of a trace a crash has made wrong: open spans that nothing will end, and ends of what goes on.

const { findRecoveries, lostOf } = require('../support/attempts');
const { attemptSpanOf, metadataOf, walkSpans, wasClosed } = require('../support/span-facts');

/** @typedef {import('../support/attempts').AttemptSpan} AttemptSpan */
/** @typedef {import('./types').Span} Span */
/** @typedef {{ [member: string]: unknown }} Metadata */

/** Ids of what a span of Flue is part of. Where two spans share one, the end of the upper one closes the lower one. */
const IDS = [
  'flue.operation_id',
  'flue.task_id',
  'flue.submission_id',
  'flue.dispatch_id',
  'flue.run_id',
];

/** The types of spans that no later attempt continues. */
const ONCE = new Set(['llm', 'tool']);

/**
 * What a later process has ended.
 *
 * @typedef {object} Ended
 * @property {number} end
 * @property {unknown} operation the operation of that process in it, if known: its spans end by themselves
 */

/**
 * Opens the spans that were closed as interrupted, and in which a later attempt has begun.
 *
 * @param {Span[]} spans
 * @param {Span[]} roots
 */
function openContinued(spans, roots) {
  if (spans.every((span) => !isGivenUp(span))) return;
  /** When the last span of Flue began, of those below each level. */
  const begins = /** @type {number[]} */ ([]);
  for (const { span, depth } of [...walkSpans(roots)].toReversed()) {
    const metadata = metadataOf(span);
    const below = begins[depth + 1] ?? -Infinity;
    const isOfFlue = IDS.some((id) => metadata[id]);
    const mayGoOn = isOfFlue && !ONCE.has(span.type) && isGivenUp(span);
    if (mayGoOn && below > (span.end ?? Infinity)) span.end = null;
    begins[depth + 1] = -Infinity;
    const begin = isOfFlue ? (span.start ?? -Infinity) : -Infinity;
    begins[depth] = Math.max(begins[depth] ?? -Infinity, below, begin);
  }
}

/** @param {Span} span @returns {boolean} whether its process was found dead, and Flue may try again */
function isGivenUp(span) {
  return wasClosed(span) && metadataOf(span)['flue.submission_outcome'] === undefined;
}

/**
 * Finds the open spans that a later attempt has left behind, or that began before a later process has ended what they
 * are part of.
 *
 * @param {Span[]} roots
 * @returns {Set<string>} their row ids
 */
function findLost(roots) {
  /** @type {AttemptSpan[]} */
  const spans = [];
  /** @type {Set<string>} */
  const lost = new Set();
  /** Open spans of the application in what a later process has ended. @type {Set<string>} */
  const doubtful = new Set();
  /** @type {Set<string>} */
  const operations = new Set();
  /** The metadata of the nearest span of Flue at or above each level, and what has ended of what that is part of. */
  const above = /** @type {Metadata[]} */ ([]);
  const ended = /** @type {(Ended | null)[]} */ ([]);
  /** Whether the process of the span at each level has died. */
  const dead = /** @type {boolean[]} */ ([]);
  for (const { span, depth } of walkSpans(roots)) {
    const { rowId, start, end } = span;
    const metadata = metadataOf(span);
    const isOfFlue = IDS.some((id) => metadata[id]);
    const outer = above[depth - 1] ?? {};
    const isInner = depth > 0 && (!isOfFlue || isPart(metadata, outer));
    const around = isInner ? (ended[depth - 1] ?? null) : null;
    const isEarlier = end === null && start !== null && around !== null && start <= around.end;
    const { 'flue.operation_id': operation = null } = metadata;
    const isLate = isOfFlue && isEarlier && operation !== around?.operation;
    // A span of the application is in the process of what it is within.
    const isWithinDead = depth > 0 && dead[depth - 1] === true && !isOfFlue;
    dead[depth] = isLate || isWithinDead;
    if (end === null && dead[depth]) lost.add(rowId);
    else if (isEarlier && !isOfFlue) doubtful.add(rowId);
    above[depth] = isOfFlue ? metadata : outer;
    ended[depth] = isOfFlue && end !== null ? laterOf(around, end, span) : around;
    const attemptSpan = attemptSpanOf(span, depth);
    if (attemptSpan.operation !== null) operations.add(attemptSpan.operation);
    spans.push(attemptSpan);
  }
  // Each attempt is an operation.
  if (operations.size > 1) for (const rowId of lostOf(findRecoveries(spans))) lost.add(rowId);
  correct(spans, lost, doubtful);
  return lost;
}

/**
 * @param {Ended | null} around what is above a span
 * @param {number} end of the span
 * @param {Span} span
 * @returns {Ended | null} what has ended of what the spans within it are part of; null: their ends may still come
 */
function laterOf(around, end, span) {
  const { 'flue.interrupted': interrupted, 'flue.operation_id': operation } = metadataOf(span);
  // Its own process has ended it, and what is in it.
  if (interrupted === undefined) return null;
  if (isGivenUp(span) || (around !== null && around.end >= end)) return around;
  return { end, operation: interrupted === false ? operation : undefined };
}

/**
 * What is above a span that runs is not lost: a later attempt has resumed it, such as a delegated task. A span of the
 * application is lost with what is in it.
 *
 * @param {AttemptSpan[]} spans each before its children
 * @param {Set<string>} lost
 * @param {Set<string>} doubtful
 */
function correct(spans, lost, doubtful) {
  /** Whether a span runs, and whether one is lost, at each level below the next one. */
  const running = /** @type {boolean[]} */ ([]);
  const losing = /** @type {boolean[]} */ ([]);
  for (const { rowId, depth, end } of spans.toReversed()) {
    const isAbove = running[depth + 1] === true;
    if (isAbove) lost.delete(rowId);
    else if (losing[depth + 1] === true && doubtful.has(rowId)) lost.add(rowId);
    running[depth + 1] = false;
    losing[depth + 1] = false;
    running[depth] ||= isAbove || (end === null && !lost.has(rowId));
    losing[depth] ||= lost.has(rowId);
  }
}

/**
 * @param {Metadata} inner of a span
 * @param {Metadata} outer of a span above it
 */
function isPart(inner, outer) {
  for (const id of IDS) if (typeof inner[id] === 'string' && inner[id] === outer[id]) return true;
  return false;
}

module.exports = { findLost, openContinued };
