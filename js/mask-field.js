'use strict';

// Calls the application's masking function for one field, and turns its failures into marks.

const { types } = require('./builtins/index.js');
const { untraced } = require('./context.js');
const { classOf } = require('./json/describe.js');
const { isObject } = require('./json/is-object.js');
const { toJsonSafe } = require('./json/stringify.js');
const { warn } = require('./warn.js');

/** @typedef {import('../index.d.ts').MaskingFunction} MaskingFunction */

/** The shapes that the server accepts; other fields may be anything. @type {Record<string, (value: any) => boolean>} */
const SHAPES = {
  metadata: isObject,
  context: isObject,
  scores: (value) => isObject(value) && Object.values(value).every(isScore),
  metrics: (value) => isObject(value) && Object.entries(value).every(isMetric),
  error: (value) => value === null || typeof value === 'string' || isObject(value),
  tags: (value) => Array.isArray(value) && value.every(isName),
  name: isName,
  comment: (value) => typeof value === 'string',
  _audit_metadata: isObject,
};

/** Replaces a masking function that is not a function. The application was warned when it set that. */
function noMask() {
  throw new TypeError('no function');
}

/**
 * @param {MaskingFunction} mask
 * @param {string} field
 * @param {unknown} value
 * @returns {{ value?: unknown, failure?: string }} a failure names the class of what was thrown, never its message
 */
function maskField(mask, field, value) {
  const failed = (/** @type {string} */ why) => {
    const message = `The masking function fails on \`${field}\` (${why}); marks replace what it fails on.`;
    if (mask !== noMask) warn('BAD_MASK', message);
    return { failure: `ERROR: Failed to mask field '${field}' - ${why}` };
  };
  try {
    const masked = untraced(() => mask(/** @type {any} */ (value)));
    if (masked === undefined) return {};
    if (types.isPromise(masked)) {
      // Keeps a rejection from ending the process.
      Promise.resolve(masked).catch(() => {});
      return failed('Promise');
    }
    // The promise of a library. Masked content is JSON, which has no functions.
    if (typeof (/** @type {any} */ (masked)?.then) === 'function') return failed('Promise');
    const safe = toJsonSafe(masked);
    // Equal marks for two tags are one tag.
    const plain = field === 'tags' && Array.isArray(safe) ? [...new Set(safe)] : safe;
    return SHAPES[field]?.(plain) === false ? failed(classOf(plain)) : { value: plain };
  } catch (error) {
    return failed(classOf(error));
  }
}

/** @param {unknown} value */
function isName(value) {
  return typeof value === 'string' && value !== '';
}

/** Whether a member of `scores` is valid; one without a value is left out. @param {any} score */
function isScore(score) {
  return score == null || (typeof score === 'number' && score >= 0 && score <= 1);
}

/** The same of `metrics`, in which times are not masked. @param {[string, any]} metric */
function isMetric([name, value]) {
  return value == null || typeof value === 'number' || name === 'start' || name === 'end';
}

module.exports = { maskField, noMask };
