'use strict';

// Unified diffs.

/** Lines shown around a change. */
const CONTEXT = 3;

/**
 * A unified diff of two texts.
 *
 * @param {string} name of the file
 * @param {string | undefined} before undefined when there was none
 * @param {string} after
 * @returns {string} empty when nothing differs
 */
function unifiedDiff(name, before, after) {
  const edits = editsBetween(linesOf(before ?? ''), linesOf(after));
  const changed = edits.flatMap(({ sign }, at) => (sign === ' ' ? [] : [at]));
  if (changed.length === 0) return '';
  const header = `--- ${before === undefined ? '/dev/null' : `a/${name}`}\n+++ b/${name}\n`;
  return (
    header +
    hunksOf(changed, edits.length)
      .map((hunk) => drawHunk(edits, hunk))
      .join('')
  );
}

/** @typedef {{ sign: ' ' | '-' | '+', line: string }} Edit */

/** @param {string} text */
const linesOf = (text) => text.split(/(?<=\n)/).filter((line) => line !== '');

/**
 * The shortest way from some lines to others.
 *
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Edit[]}
 */
function editsBetween(a, b) {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  const most = Math.min(a.length, b.length) - head;
  while (tail < most && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = (/** @type {string[]} */ lines) => lines.map((line) => edit(' ', line));
  return [
    ...same(a.slice(0, head)),
    ...editsOfMiddle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ];
}

/**
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Edit[]}
 */
function editsOfMiddle(a, b) {
  const common = commonLengths(a, b);
  const length = (/** @type {number} */ i, /** @type {number} */ j) => common[i]?.[j] ?? 0;
  /** @type {Edit[]} */
  const edits = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push(edit(' ', a[i++]));
      j++;
    } else if (i < a.length && (j >= b.length || length(i + 1, j) >= length(i, j + 1))) {
      edits.push(edit('-', a[i++]));
    } else edits.push(edit('+', b[j++]));
  }
  return edits;
}

/**
 * How many lines are common from each pair of places on.
 *
 * @param {string[]} a
 * @param {string[]} b
 * @returns {number[][]}
 */
function commonLengths(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => b.map(() => 0).concat(0));
  const at = (/** @type {number} */ i, /** @type {number} */ j) => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i] ?? [];
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  return lengths;
}

/**
 * @param {Edit['sign']} sign
 * @param {string | undefined} line
 * @returns {Edit}
 */
const edit = (sign, line = '') => ({ sign, line });

/**
 * Changes that are near each other stand in one hunk.
 *
 * @param {number[]} changed the numbers of the edits that change something
 * @param {number} length of all edits
 * @returns {{ from: number, to: number }[]}
 */
function hunksOf(changed, length) {
  /** @type {{ from: number, to: number }[]} */
  const hunks = [];
  for (const at of changed) {
    const last = hunks.at(-1);
    const [from, to] = [Math.max(0, at - CONTEXT), Math.min(length, at + CONTEXT + 1)];
    if (last !== undefined && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  }
  return hunks;
}

/**
 * @param {Edit[]} edits
 * @param {{ from: number, to: number }} hunk
 */
function drawHunk(edits, { from, to }) {
  /** @param {Edit[]} some @param {Edit['sign']} other */
  const without = (some, other) => some.filter(({ sign }) => sign !== other).length;
  const [before, shown] = [edits.slice(0, from), edits.slice(from, to)];
  /** @param {Edit['sign']} other */
  const range = (other) => {
    const count = without(shown, other);
    return `${without(before, other) + (count > 0 ? 1 : 0)},${count}`;
  };
  const lines = shown.map(({ sign, line }) =>
    line.endsWith('\n') ? sign + line : `${sign}${line}\n\\ No newline at end of file\n`,
  );
  return `@@ -${range('+')} +${range('-')} @@\n${lines.join('')}`;
}

module.exports = { unifiedDiff };
