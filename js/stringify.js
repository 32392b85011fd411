'use strict';

/** The most values of one member that are written when it is not plain JSON. */
const MAX_VALUES = 50_000;

/** Stands where a value could not be kept. @param {string} why */
const unreadable = (why) => `[flue-braintrust: ${why}]`;

/**
 * A value as JSON text. What JSON cannot hold is replaced by a mark, member by member, so that one odd
 * value does not cost the whole.
 * @param {unknown} value
 * @returns {string}
 */
function stringify(value) {
  try {
    const text = JSON.stringify(value);
    if (text !== undefined) return text;
  } catch {
    // Cycles, BigInt, throwing getters: each member for itself, below.
  }
  return stringifyMembers(/** @type {Record<string, unknown>} */ (value));
}

/** @param {Record<string, unknown>} object */
function stringifyMembers(object) {
  const members = [];
  for (const key of Object.keys(object)) {
    const text = stringifyMember(object, key);
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} key
 */
function stringifyMember(object, key) {
  try {
    return JSON.stringify(object[key], tolerant());
  } catch (error) {
    return JSON.stringify(unreadable(error instanceof Error ? error.name : 'threw'));
  }
}

/** A replacer that marks cycles, writes BigInts as text, and gives up on what has no end. */
function tolerant() {
  /** The objects from the root to where we are. @type {unknown[]} */
  const path = [];
  let values = 0;
  /**
   * @this {unknown}
   * @param {string} _key
   * @param {unknown} value
   */
  return function replace(_key, value) {
    while (path.length > 0 && path.at(-1) !== this) path.pop();
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (path.includes(value)) return unreadable('cycle');
    values += 1;
    if (values > MAX_VALUES) return unreadable('too much');
    path.push(value);
    return value;
  };
}

module.exports = { stringify };
