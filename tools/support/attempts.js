'use strict';

// The attempts of a submission that a process did not finish and another one took up again. The viewer's page bundles
// this file, too: it uses nothing of Node.

const { formatDuration } = require('./format');

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
/** More are not looked for: a trace has one, and one for each delegated task. */
const MAX_RECOVERIES = 100;
/** Of more attempts than these the story tells the first ones and the last one. */
const TOLD_ATTEMPTS = 4;

/**
 * Finds the spans whose work needed several attempts, from the top.
 *
 * Each attempt is an operation of its own: the turns and tools below the span say which.
 *
 * @param {AttemptSpan[]} spans of one trace, each before its children
 * @returns {Recovery[]}
 */
function findRecoveries(spans) {
  const { lasts, children } = treeOf(spans);
  /** @type {{ index: number, groups: number[][] }[]} */
  const found = [];
  // From the last one: a task that was resumed is known before the attempts that it belongs to.
  for (const [index, members] of [...children].toSorted(([a], [b]) => b - a)) {
    if (found.length === MAX_RECOVERIES) break;
    const span = at(spans, index);
    const isNumbered = (span.attempt ?? 1) > 1;
    const groups = groupsOf(spans, members, lasts);
    const isResumed =
      groups.length > 1 &&
      (isNumbered || groups.slice(0, -1).every((group) => isUnfinished(spans, group)));
    if (!isResumed && !isNumbered && !span.interrupted) continue;
    const kept = isResumed ? moveResumed(groups, found) : [groups.flat()];
    found.push({ index, groups: kept });
  }
  for (const [index, span] of spans.entries()) {
    if ((span.attempt ?? 1) > 1 && !children.has(index)) found.push({ index, groups: [[]] });
  }
  return found
    .toSorted((a, b) => a.index - b.index)
    .slice(0, MAX_RECOVERIES)
    .map(({ index, groups }) =>
      recoveryOf(
        at(spans, index),
        groups.map((group) => group.map((member) => at(spans, member))),
        /** @type {number} */ (lasts[index]),
      ),
    );
}

/**
 * What a later attempt did within a span of an earlier one, such as a resumed task, belongs to the later one.
 *
 * @param {number[][]} groups the spans of each attempt
 * @param {{ groups: number[][] }[]} resumed the spans of each attempt below other spans
 * @returns {number[][]}
 */
function moveResumed(groups, resumed) {
  const attempts = groups.map((group) => new Set(group));
  for (const { groups: inner } of resumed) {
    const from = attempts.findIndex((group) => group.has(/** @type {number} */ (inner[0]?.[0])));
    if (from === -1) continue;
    for (const [i, members] of inner.slice(1).entries()) {
      const to = attempts[Math.min(from + i + 1, attempts.length - 1)];
      for (const member of members) {
        attempts[from]?.delete(member);
        to?.add(member);
      }
    }
  }
  return attempts.map((group) => Array.from(group));
}

/** @param {AttemptSpan[]} spans @param {number} index one of a span @returns {AttemptSpan} */
function at(spans, index) {
  return /** @type {AttemptSpan} */ (spans[index]);
}

/**
 * @param {AttemptSpan[]} spans
 * @returns {{ lasts: number[], children: Map<number, number[]> }} by index: the last descendant, and the children that
 *   show to which attempt they belong
 */
function treeOf(spans) {
  /** @type {number[]} */
  const lasts = [];
  /** @type {Map<number, number[]>} */
  const children = new Map();
  /** @type {number[]} */
  const above = [];
  for (const [index, span] of spans.entries()) {
    while (above.length > span.depth) lasts[/** @type {number} */ (above.pop())] = index - 1;
    const parent = above.at(-1);
    if (parent !== undefined && isPart(span, at(spans, parent))) {
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [index]);
      else siblings.push(index);
    }
    above.push(index);
  }
  for (const index of above) lasts[index] = spans.length - 1;
  return { lasts, children };
}

/**
 * Whether a span shows which attempt of its parent it is part of. Of a delegated task each attempt is an operation.
 *
 * @param {AttemptSpan} span
 * @param {AttemptSpan} parent
 */
function isPart({ name, operation }, parent) {
  return (
    operation !== null || (name.startsWith('flue.') && /^(?:task:|flue\.task$)/.test(parent.name))
  );
}

/**
 * The spans of each attempt, by index, the earliest attempt first.
 *
 * @param {AttemptSpan[]} spans
 * @param {number[]} children
 * @param {number[]} lasts
 * @returns {number[][]}
 */
function groupsOf(spans, children, lasts) {
  /** @type {Map<string, { hasTurn: boolean, begin: number, members: number[] }>} */
  const groups = new Map();
  for (const index of children) {
    const { rowId, operation, type, start } = at(spans, index);
    const key = operation ?? rowId;
    const group = groups.get(key) ?? { hasTurn: false, begin: Infinity, members: [] };
    group.hasTurn ||= type === 'llm' || operation === null;
    group.begin = Math.min(group.begin, start ?? Infinity);
    const length = /** @type {number} */ (lasts[index]) - index + 1;
    for (let i = 0; i < length; i += 1) group.members.push(index + i);
    groups.set(key, group);
  }
  // A shell command of the application is an operation, too, but it asks no model.
  return [...groups.values()]
    .filter(({ hasTurn }) => hasTurn || groups.size === 1)
    .toSorted((a, b) => (a.begin === b.begin ? 0 : a.begin - b.begin))
    .map(({ members }) => members);
}

/** @param {AttemptSpan[]} spans @param {number[]} members */
function isUnfinished(spans, members) {
  return members.some((index) => {
    const { end, interrupted, cancelled } = at(spans, index);
    return end === null || interrupted || cancelled;
  });
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
    const state = isLast ? endStateOf(span) : deathOf(members);
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

/** @param {AttemptSpan} span @returns {AttemptState} */
function endStateOf(span) {
  if (span.end === null) return 'running';
  if (span.interrupted) return 'died';
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

/**
 * @param {Attempt[]} attempts
 * @param {number | null} maxAttempts
 * @param {number} unseen
 * @param {string | null} name of the span, where attempts have no number
 */
function storyOf(attempts, maxAttempts, unseen, name) {
  const parts = attempts.map((attempt, i) => {
    const isLast = i === attempts.length - 1;
    const before = attempts[i - 1]?.pause ?? null;
    const of = isLast && maxAttempts !== null ? ` of ${maxAttempts}` : '';
    const subject = name ?? `attempt ${attempt.number}${of}`;
    return `${before === null ? '' : `${formatPause(before)} later `}${subject} ${endingOf(attempt)}`;
  });
  const told =
    parts.length <= TOLD_ATTEMPTS
      ? parts
      : [...parts.slice(0, 2), `${parts.length - 3} more did not finish`, ...parts.slice(-1)];
  if (unseen === 0) return told.join('; ');
  const missing = `${unseen === 1 ? 'an attempt' : `${unseen} attempts`} left no span`;
  return [...told.slice(0, -1), missing, ...told.slice(-1)].join('; ');
}

/** @param {Attempt} attempt */
function endingOf({ state, where }) {
  const place = where === null ? '' : ` in ${where}`;
  switch (state) {
    case 'died':
      return `died${place}`;
    case 'stopped':
      return `was stopped${place}`;
    case 'running':
      return 'is running';
    default:
      return state;
  }
}

/** @param {number} seconds @returns {string} such as `32.8 s` */
function formatPause(seconds) {
  return seconds >= 0.9995 && seconds < 59.95 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

module.exports = { findRecoveries, formatPause };
