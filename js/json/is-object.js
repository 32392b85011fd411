'use strict';

/** Whether a value is an object and not a list. @param {unknown} value */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

module.exports = { isObject };
