'use strict';

/**
 * A path as one word of a command, which the user may copy into a shell.
 *
 * @param {string} word
 * @returns {string} in quotes if a shell would split or change it
 */
function shellWord(word) {
  if (process.platform === 'win32') return /[\s&()^%!;,']/.test(word) ? `"${word}"` : word;
  if (/^[\p{L}\p{N}_@%+=:,./-]+$/u.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

module.exports = { shellWord };
