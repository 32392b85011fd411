'use strict';

// Marks: the texts in place of what is left out of a value.

const { noteCut } = require('./cut.js');

/** Stands in place of a value that was not kept. @param {string} why */
const mark = (why) => `[flue-braintrust: ${why}]`;

/** Stands in place of what exceeds a limit. @param {string} why */
function markCut(why) {
  noteCut();
  return mark(why);
}

/** The name of the member that holds how many others were left out. */
const REST = 'flue-braintrust';

/**
 * @param {Record<string, unknown>} copy
 * @param {number} left how many members were left out
 * @param {object} [object] that was copied
 */
function markRest(copy, left, object = {}) {
  if (left > 0) copy[REST] = markCut(`${leftOut(left, object, REST)} more`);
  return copy;
}

// A field of a custom span is copied, and then its event: what was cut before may be cut again.

/** @type {(text: unknown, pattern: RegExp) => number | undefined} */
const numberIn = (text, pattern) => {
  const found = typeof text === 'string' ? pattern.exec(text.slice(-LONGEST_MARK)) : null;
  return found === null ? undefined : Number(found[1]);
};

const LONGEST_MARK = 80;
const MORE = /^\[flue-braintrust: (\d+) more\]$/;
const CUT = /\[flue-braintrust: cut, (\d+) characters in all\]$/;

/**
 * How many are left out in all: the last one may be the mark of others.
 * @param {number} left
 * @param {any} object
 * @param {string | number} last where the mark is
 */
function leftOut(left, object, last) {
  try {
    const earlier = numberIn(object[last], MORE);
    return earlier === undefined ? left : left - 1 + earlier;
  } catch {
    return left;
  }
}

/** The length of a text before it was cut. @param {string} text */
const lengthOf = (text) => numberIn(text, CUT) ?? text.length;

module.exports = { leftOut, lengthOf, mark, markCut, markRest };
