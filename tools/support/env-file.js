'use strict';

// Reads files of variables, such as `.env`.

const { readFileSync } = require('node:fs');
const { parseEnv } = require('node:util');

/**
 * The variables of a file. Throws when it cannot be read, or is not UTF-8.
 *
 * @param {string} file
 * @returns {NodeJS.Dict<string>}
 */
function readVariables(file) {
  const text = readFileSync(file, 'utf8');
  // The NULs of UTF-16: no text in UTF-8 has any.
  if (text.includes('\0')) throw new Error('it is not UTF-8');
  return parseEnv(text.replace(/^\uFEFF/, ''));
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
