'use strict';

// JSON values.

/** @typedef {{ [member: string]: unknown }} JsonObject */

/**
 * Whether a value is a JSON object: not null, not a list.
 *
 * @param {unknown} value
 * @returns {value is JsonObject}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

module.exports = { isObject };
