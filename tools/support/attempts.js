'use strict';

// The attempts of a submission that a process did not finish and another one took up again. The viewer's page bundles
// this file, too: it uses nothing of Node.

const { groupAttempts } = require('./attempt-groups');
const { storyOf } = require('./attempt-story');

/**
 * A span, as far as its attempts depend on it.
 *
 * @typedef {object} AttemptSpan
 * @property {string} rowId
 * @property {string} name
 * @property {string} type
 * @property {number} depth 0 at the top
 * @property {number | null} start seconds since the epoch
 * @property {number | null} end the same; null while it is open
 * @property {boolean} lost whether it is open, and nothing will end it
 * @property {string | null} error
 * @property {boolean} interrupted
 * @property {boolean} cancelled
 * @property {string | null} operation the operation that it is part of; null for operations themselves
 * @property {number | null} attempt which attempt ended it, as Flue counts them
 * @property {number | null} maxAttempts
 */

/** @typedef {'died' | 'stopped' | 'failed' | 'finished' | 'running'} AttemptState */

/**
 * One attempt. Times are seconds since the epoch.
 *
 * @typedef {object} Attempt
 * @property {number} number counted from 1
 * @property {number | null} start
 * @property {number | null} end when the last of its spans began or ended
 * @property {AttemptState} state
 * @property {string | null} where the span in which it died or was stopped
 * @property {number | null} pause seconds until the next attempt began; null for the last one
 */

/**
 * A span whose work needed several attempts, or was interrupted.
 *
 * @typedef {object} Recovery
 * @property {string} rowId
 * @property {number} depth
 * @property {number} last index of its last descendant, in the order of the spans
 * @property {Attempt[]} attempts at least one, the earliest first
 * @property {number | null} maxAttempts
 * @property {string} story such as `attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 finished`
 * @property {Set<string>} lost the rows of open spans that nothing will end: a later attempt has begun
 * @property {Map<string, number>} cuts the rows of spans that did not end by themselves, with the index of their attempt
 */

/** An interrupted span that ends so soon before the next attempt, in seconds, was closed by it: when it died is unknown. */
const CLOSED_BY_NEXT = 0.1;
/**
 * Finds the spans whose work needed several attempts, from the top.
 *
 * @param {AttemptSpan[]} spans of one trace, each before its children
 * @returns {Recovery[]}
 */
function findRecoveries(spans) {
  return groupAttempts(spans).map(({ span, groups, last }) => recoveryOf(span, groups, last));
}

/**
 * @param {AttemptSpan} span
 * @param {AttemptSpan[][]} groups
 * @param {number} last
 * @returns {Recovery}
 */
function recoveryOf(span, groups, last) {
  const begins = groups.map(beginOf);
  // Attempts that ended before their first span was sent are known by their number alone.
  const unseen = Math.max((span.attempt ?? 0) - groups.length, 0);
  const attempts = groups.map((members, i) => {
    const isLast = i === groups.length - 1;
    const state = isLast ? endStateOf(span, members) : deathOf(members);
    const next = begins[i + 1] ?? null;
    const last = endOf(members, next);
    const end = isLast && state !== 'died' ? (span.end ?? last) : last;
    return {
      number: isLast ? i + 1 + unseen : i + 1,
      start:
        i === 0 && unseen === 0 ? (span.start ?? begins[i] ?? null) : (begins[i] ?? span.start),
      end,
      state,
      where: state === 'died' || state === 'stopped' ? whereOf(members, state) : null,
      pause: next === null || end === null ? null : Math.max(next - end, 0),
    };
  });
  /** @type {Set<string>} */
  const lost = new Set();
  /** @type {Map<string, number>} */
  const cuts = new Map();
  for (const [i, members] of groups.slice(0, -1).entries()) {
    for (const { rowId, end, interrupted } of members) {
      if (end === null) lost.add(rowId);
      if (end === null || interrupted) cuts.set(rowId, i);
    }
  }
  const { rowId, depth, maxAttempts } = span;
  const known = { rowId, depth, last, attempts, maxAttempts };
  const isNumbered = attempts.length > 1 || span.attempt !== null;
  return {
    ...known,
    lost,
    cuts,
    story: storyOf(attempts, maxAttempts, unseen, isNumbered ? null : span.name),
  };
}

/**
 * @param {AttemptSpan} span
 * @param {AttemptSpan[]} members of its last attempt
 * @returns {AttemptState}
 */
function endStateOf(span, members) {
  if (span.end === null) return 'running';
  // It may be another attempt that was found dead.
  const isAlive = members.some(({ end, lost }) => end === null && !lost);
  if (span.interrupted) return isAlive ? 'running' : 'died';
  if (span.cancelled) return 'stopped';
  return span.error === null ? 'finished' : 'failed';
}

/** How an attempt ended that was followed by another one. @param {AttemptSpan[]} members @returns {AttemptState} */
function deathOf(members) {
  const died = members.some(({ end, interrupted }) => end === null || interrupted);
  return !died && members.some(({ cancelled }) => cancelled) ? 'stopped' : 'died';
}

/**
 * The span in which an attempt ended: of those that did not end by themselves the last one.
 *
 * @param {AttemptSpan[]} members
 * @param {AttemptState} state
 * @returns {string | null}
 */
function whereOf(members, state) {
  const isCut = (/** @type {AttemptSpan} */ { end, interrupted, cancelled }) =>
    state === 'died' ? end === null || interrupted : cancelled;
  /** @type {AttemptSpan | undefined} */
  let found;
  for (const span of members) {
    if (isCut(span) && (found?.start ?? -Infinity) <= (span.start ?? -Infinity)) found = span;
  }
  return found === undefined ? null : found.name.replace(/^tool:/, '');
}

/** @param {AttemptSpan[]} members @returns {number | null} */
function beginOf(members) {
  return members.reduce(
    (/** @type {number | null} */ first, { start }) =>
      start !== null && (first === null || start < first) ? start : first,
    null,
  );
}

/**
 * When an attempt was last known to live.
 *
 * @param {AttemptSpan[]} members
 * @param {number | null} next when the next one began
 * @returns {number | null}
 */
function endOf(members, next) {
  return members.reduce((/** @type {number | null} */ last, { start, end, interrupted }) => {
    // A later attempt has closed it, or resumed it.
    const latest = (next ?? Infinity) - (interrupted ? CLOSED_BY_NEXT : 0);
    const known = end === null || end > latest ? start : end;
    return known !== null && (last === null || known > last) ? known : last;
  }, null);
}

/** The rows of open spans that nothing will end. @param {Recovery[]} recoveries @returns {Set<string>} */
function lostOf(recoveries) {
  return new Set(recoveries.flatMap(({ lost }) => Array.from(lost)));
}

module.exports = { findRecoveries, lostOf };
