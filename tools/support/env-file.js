'use strict';

// Reads files of variables, such as `.env`.

const { readFileSync } = require('node:fs');

const { variablesOf } = require('../../js/environment');

/**
 * The variables of a file. Throws when it cannot be read, or is not UTF-8.
 *
 * @param {string} file
 * @returns {NodeJS.Dict<string>}
 */
function readVariables(file) {
  return variablesOf(readFileSync(file, 'utf8'));
}

/**
 * The variables of a file; none if it cannot be read.
 *
 * @param {string} file
 * @returns {NodeJS.Dict<string>}
 */
function variablesIn(file) {
  try {
    return readVariables(file);
  } catch {
    return {};
  }
}

module.exports = { readVariables, variablesIn };
