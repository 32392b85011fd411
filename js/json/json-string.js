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

/**
 * A value as text for the native part.
 * @template T
 * @param {T} value
 * @returns {JsonString<T>}
 */
function toJson(value) {
  return /** @type {JsonString<T>} */ (JSON.stringify(value));
}

module.exports = { parse, toJson };
