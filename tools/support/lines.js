'use strict';

/**
 * The lines of a stream that are not blank, as they arrive. Only `\n` ends a line: JSON leaves U+2028 and U+2029 within
 * its strings, at which `readline` of Node 24 splits, too.
 *
 * @param {AsyncIterable<string>} texts the parts of the stream
 * @returns {AsyncGenerator<string>}
 */
async function* readLines(texts) {
  /** The parts of the last line so far: its end may be many parts away. @type {string[]} */
  let line = [];
  for await (const text of texts) {
    const [end = '', ...begins] = text.split('\n');
    line.push(end);
    for (const begin of begins) {
      yield* unlessBlank(line.join(''));
      line = [begin];
    }
  }
  yield* unlessBlank(line.join(''));
}

/** @param {string} line */
function unlessBlank(line) {
  return line.trim() === '' ? [] : [line];
}

module.exports = { readLines };
