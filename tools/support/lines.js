'use strict';

// Files of JSON lines.

const { isObject } = require('./json');

/**
 * A line that is not blank.
 *
 * @typedef {object} Line
 * @property {number} number the first line of the file is 1
 * @property {string} text without a byte order mark: joined files have one amid them, too
 */

/**
 * The lines of a stream that are not blank, as they arrive. Only `\n` ends a line: JSON leaves U+2028 and U+2029 within
 * its strings, at which `readline` of Node 24 splits, too.
 *
 * @param {AsyncIterable<string>} texts the parts of the stream
 * @returns {AsyncGenerator<Line>}
 */
async function* readLines(texts) {
  /** The parts of the last line so far: its end may be many parts away. @type {string[]} */
  let line = [];
  let number = 1;
  for await (const text of texts) {
    const [end = '', ...begins] = text.split('\n');
    line.push(end);
    for (const begin of begins) {
      yield* unlessBlank(number, line.join(''));
      line = [begin];
      number += 1;
    }
  }
  yield* unlessBlank(number, line.join(''));
}

/** @param {number} number @param {string} line @returns {Line[]} */
function unlessBlank(number, line) {
  return line.trim() === '' ? [] : [{ number, text: line.replace(/^\uFEFF/, '') }];
}

/**
 * The object of a line, or why it has none, in words that follow `line 1`.
 *
 * @param {string} text
 * @returns {{ value: import('./json').JsonObject } | { why: string }}
 */
function parseLine(text) {
  try {
    const value = JSON.parse(text);
    if (isObject(value)) return { value };
    return { why: Array.isArray(value) ? LIST : `is JSON, but no object: ${RULE}` };
  } catch {
    return { why: causeOf(text) };
  }
}

const RULE = 'each line must be one whole object';
const LIST = `begins a JSON list: ${RULE}`;

/** @param {string} text that is not JSON; each of its bytes that is not UTF-8 has become U+FFFD */
function causeOf(text) {
  if (text.startsWith('\u001F\uFFFD')) return 'is compressed with gzip: unpack the file first';
  const isWide = /^\uFFFD\uFFFD[^]?\0|^\0?(?:[^\0]\0){2}/.test(text);
  if (isWide) return 'is UTF-16: convert the file to UTF-8 first';
  return text.trimStart().startsWith('[') ? LIST : `is not JSON: ${RULE}`;
}

module.exports = { parseLine, readLines };
