'use strict';

// Which spans belong to which attempt. The viewer's page bundles this file, too: it uses nothing of Node.

/** @typedef {import('./attempts').AttemptSpan} AttemptSpan */

/** More are not looked for: a trace has one, and one for each delegated task. */
const MAX_RECOVERIES = 100;

/**
 * Finds the spans whose work needed several attempts or was interrupted, from the top, and the spans of each attempt.
 *
 * Each attempt is an operation of its own: the turns and tools below the span name it.
 *
 * @param {AttemptSpan[]} spans of one trace, each before its children
 * @returns {{ span: AttemptSpan, groups: AttemptSpan[][], last: number }[]} `last` is the index of its last descendant
 */
function groupAttempts(spans) {
  const unfinished = countUnfinished(spans);
  const isPlain = unfinished.at(-1) === 0 && spans.every(({ attempt }) => (attempt ?? 1) <= 1);
  if (isPlain) return [];
  const { lasts, children } = treeOf(spans);
  /** @type {{ index: number, groups: number[][] }[]} */
  const found = [];
  // From the last one: a task that was resumed is known before the attempts that it belongs to.
  for (const [index, members] of [...children].toSorted(([a], [b]) => b - a)) {
    if (found.length === MAX_RECOVERIES) break;
    const span = at(spans, index);
    const isNumbered = (span.attempt ?? 1) > 1;
    const groups = groupsOf(spans, members);
    // Cut short are those whose own spans state it.
    const isCut = (/** @type {number[]} */ group) =>
      group.some((child) => unfinished[last(lasts, child) + 1] !== unfinished[child]);
    const isResumed = groups.length > 1 && (isNumbered || groups.slice(0, -1).every(isCut));
    if (!isResumed && !isNumbered && !span.interrupted) continue;
    const whole = groups.map((group) =>
      group.flatMap((child) => rangeOf(child, last(lasts, child))),
    );
    const kept = isResumed ? moveResumed(whole, found) : [whole.flat()];
    found.push({ index, groups: kept });
  }
  for (const [index, span] of spans.entries()) {
    if ((span.attempt ?? 1) > 1 && !children.has(index)) found.push({ index, groups: [[]] });
  }
  return found
    .toSorted((a, b) => a.index - b.index)
    .slice(0, MAX_RECOVERIES)
    .map(({ index, groups }) => ({
      span: at(spans, index),
      groups: groups.map((group) => group.map((member) => at(spans, member))),
      last: last(lasts, index),
    }));
}

/** @param {number[]} lasts @param {number} index one of a span @returns {number} that of its last descendant */
function last(lasts, index) {
  return /** @type {number} */ (lasts[index]);
}

/** @param {number} from @param {number} to @returns {number[]} the numbers from the first to the second */
function rangeOf(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/**
 * How many spans before each index did not end by themselves.
 *
 * @param {AttemptSpan[]} spans
 * @returns {number[]} one more than there are spans
 */
function countUnfinished(spans) {
  const counts = [0];
  let count = 0;
  for (const { end, interrupted, cancelled } of spans) {
    if (end === null || interrupted || cancelled) count += 1;
    counts.push(count);
  }
  return counts;
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
 * The children that are of one attempt, by index, the earliest attempt first.
 *
 * @param {AttemptSpan[]} spans
 * @param {number[]} children
 * @returns {number[][]}
 */
function groupsOf(spans, children) {
  /** @type {Map<string, { hasTurn: boolean, begin: number, members: number[] }>} */
  const groups = new Map();
  for (const index of children) {
    const { rowId, operation, type, start } = at(spans, index);
    const key = operation ?? rowId;
    const group = groups.get(key) ?? { hasTurn: false, begin: Infinity, members: [] };
    group.hasTurn ||= type === 'llm' || operation === null;
    group.begin = Math.min(group.begin, start ?? Infinity);
    group.members.push(index);
    groups.set(key, group);
  }
  // A shell command of the application is an operation, too, but it asks no model.
  return [...groups.values()]
    .filter(({ hasTurn }) => hasTurn || groups.size === 1)
    .toSorted((a, b) => (a.begin === b.begin ? 0 : a.begin - b.begin))
    .map(({ members }) => members);
}

module.exports = { groupAttempts };
