'use strict';

// Checks whether a value is JSON-safe: whether `JSON.stringify` writes it as it is.

const limits = require('./limits.js');

// Every event passes here. Two module variables are the cheapest form of a budget.
let valuesLeft = 0;
let charactersLeft = 0;

/**
 * Whether `JSON.stringify` writes all of a value, quickly: plain objects and lists of finite numbers, strings,
 * booleans, `null` and `undefined`, within the limits. May throw where reading the value does.
 * @param {unknown} value
 */
function isJsonSafe(value) {
  valuesLeft = limits.VALUES;
  charactersLeft = limits.CHARACTERS;
  return isJsonSafeValue(value, limits.DEPTH);
}

/**
 * The number of characters in all texts of a JSON-safe event; -1 if the event is not JSON-safe. Objects that Flue
 * itself composes of ids and numbers are not checked: that would cost more than all other checks.
 * @param {any} event
 */
function charactersIfSafe(event) {
  valuesLeft = limits.VALUES;
  charactersLeft = limits.CHARACTERS;
  if (Object.getPrototypeOf(event) !== Object.prototype) return -1;
  const isTurn = event.type === 'turn';
  for (const name in event) {
    const value = event[name];
    if (typeof value !== 'object' || value === null) {
      if (!isJsonSafeValue(value, 0)) return -1;
    } else if (isTurn && name === 'response') {
      if (!isJsonSafeValue(value.output, limits.DEPTH)) return -1;
      if (!isJsonSafeValue(value.error, limits.DEPTH)) return -1;
    } else if (name !== 'usage' && !(isTurn && name === 'request')) {
      if (!isJsonSafeObject(value, limits.DEPTH)) return -1;
    }
  }
  return limits.CHARACTERS - charactersLeft;
}

/**
 * @param {unknown} value
 * @param {number} depth how deep it may be
 * @returns {boolean}
 */
function isJsonSafeValue(value, depth) {
  switch (typeof value) {
    case 'string':
      return (charactersLeft -= value.length) >= 0;
    case 'number':
      return Number.isFinite(value);
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return (
        value === null || (depth > 0 && isJsonSafeObject(/** @type {any} */ (value), depth - 1))
      );
    default:
      return false;
  }
}

/**
 * @param {any} object
 * @param {number} depth
 */
function isJsonSafeObject(object, depth) {
  if (Array.isArray(object)) {
    const { length } = object;
    if (length > limits.MEMBERS || (valuesLeft -= length) < 0) return false;
    for (let at = 0; at < length; at++) if (!isJsonSafeValue(object[at], depth)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return false;
  // Bytes that Flue has copied have a member for each. Listing the names of a million takes too long.
  if (object[64] !== undefined) return false;
  let members = 0;
  for (const name in object) {
    if (++members > limits.MEMBERS || --valuesLeft < 0) return false;
    if ((charactersLeft -= name.length) < 0) return false;
    if (!isJsonSafeValue(object[name], depth)) return false;
  }
  return true;
}

module.exports = { charactersIfSafe, isJsonSafe };
