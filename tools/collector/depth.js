'use strict';

// Cuts what is nested too deeply. What compares, merges and writes values calls itself for each level.

/** The deepest nesting that is stored, in levels. The exporter sends a hundred. */
const MAX_DEPTH = 500;

/** Stands for what is nested more deeply. */
const CUT = `[nested more than ${MAX_DEPTH} levels deep: left out]`;

/**
 * Replaces the objects and lists below the deepest level by a text. Without recursion.
 *
 * @param {unknown} value as `JSON.parse` gives it; changed
 * @returns {boolean} whether something was replaced
 */
function cutDepth(value) {
  let isCut = false;
  let level = nestedIn([[value]]);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth === MAX_DEPTH) {
      for (const container of level) isCut = cutMembers(container) || isCut;
      return isCut;
    }
    level = nestedIn(level);
  }
  return isCut;
}

/**
 * @param {object[]} containers
 * @returns {any[]} the objects and lists that are members of those
 */
function nestedIn(containers) {
  const nested = [];
  for (const container of containers) {
    for (const member of Object.values(container)) {
      if (typeof member === 'object' && member !== null) nested.push(member);
    }
  }
  return nested;
}

/** @param {any} container */
function cutMembers(container) {
  let isCut = false;
  for (const [name, member] of Object.entries(container)) {
    if (typeof member !== 'object' || member === null) continue;
    // An assignment to `__proto__` would set the prototype.
    Object.defineProperty(container, name, { value: CUT });
    isCut = true;
  }
  return isCut;
}

module.exports = { cutDepth };
