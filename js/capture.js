'use strict';

/** Stands where a value could not be kept. @param {string} why */
const unreadable = (why) => `[flue-braintrust: ${why}]`;

/**
 * An event as JSON text. What JSON cannot hold is replaced by a mark, member by member, so that one
 * odd value does not cost the span.
 * @param {unknown} event
 * @returns {string}
 */
function capture(event) {
  try {
    const text = JSON.stringify(event);
    if (text !== undefined) return text;
  } catch {
    // Cycles, BigInt, throwing getters: each member for itself, below.
  }
  return captureMembers(/** @type {Record<string, unknown>} */ (event));
}

/** @param {Record<string, unknown>} event */
function captureMembers(event) {
  const members = [];
  for (const key of Object.keys(event)) {
    const text = captureMember(event, key);
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * @param {Record<string, unknown>} event
 * @param {string} key
 */
function captureMember(event, key) {
  try {
    return JSON.stringify(event[key], tolerant());
  } catch (error) {
    return JSON.stringify(unreadable(error instanceof Error ? error.name : 'threw'));
  }
}

/** A replacer that marks cycles and writes BigInts as text. */
function tolerant() {
  /** The objects from the root to where we are. @type {unknown[]} */
  const path = [];
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
    path.push(value);
    return value;
  };
}

module.exports = { capture };
