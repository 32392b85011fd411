'use strict';

// JSON text with the type of what it holds: how objects cross the border to the native part.

const { JSON } = require('./own-json.js');

/**
 * @template T
 * @typedef {import('../native-types.d.ts').JsonString<T>} JsonString
 */

/**
 * What a text of the native part holds.
 * @template T
 * @param {JsonString<T>} text
 * @returns {T}
 */
function parse(text) {
  return JSON.parse(text);
}

/** An escape in JSON: half of a character, as a text that was cut has it, or another one. */
const ESCAPE = /\\(?:ud[89a-f][0-9a-f]{2}|.)/g;

/**
 * A value as text for the native part. Halves of characters are replaced, as in events: strict parsers refuse a text
 * that has one.
 * @template T
 * @param {T} value
 * @returns {JsonString<T>}
 */
function toJson(value) {
  const text = JSON.stringify(value);
  const whole = text.includes('\\ud')
    ? text.replace(ESCAPE, (escape) => (escape.length > 2 ? '\ufffd' : escape))
    : text;
  return /** @type {JsonString<T>} */ (whole);
}

module.exports = { parse, toJson };
