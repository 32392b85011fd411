'use strict';

// The changes that `init` plans, one for each file.

const { unifiedDiff } = require('./diff');

/** @typedef {import('./files').SourceFile} SourceFile */
/** @typedef {ReturnType<typeof import('./files').readFile>} ReadFile */

/**
 * A file that is to be written.
 *
 * @typedef {object} Change
 * @property {string} path relative to the project
 * @property {string | undefined} before undefined when there is none yet
 * @property {string} after
 */

/** @typedef {{ changes: Change[], notes: string[] }} Part */

/** @type {Part} */
const NOTHING = { changes: [], notes: [] };

/**
 * @param {SourceFile} file
 * @param {string} after
 * @returns {Change}
 */
const change = ({ path: name, text }, after) => ({ path: name, before: text, after });

/**
 * Two changes of one file are one.
 *
 * @param {Change[]} first
 * @param {Change[]} second made upon the first
 */
function merged(first, second) {
  return [...first.filter(({ path: name }) => !second.some((s) => s.path === name)), ...second];
}

/**
 * The changes that must be made by hand, as the file is in an encoding in which it would be damaged.
 *
 * @param {Change[]} changes
 * @param {ReadFile[]} files
 * @returns {{ path: string, note: string }[]}
 */
function leftAlone(changes, files) {
  const readable = files.filter((file) => file !== undefined && 'text' in file);
  return changes.flatMap(({ path: name, before, after }) => {
    const { encoding } = readable.find((file) => file.path === name) ?? {};
    if (encoding === undefined) return [];
    const lines = unifiedDiff(name, before, after).split('\n').slice(2);
    const added = lines
      .filter((line) => line.startsWith('+'))
      .map((line) => `\`${line.slice(1).trim()}\``);
    const removed = lines.filter((line) => line.startsWith('-')).length;
    const how = removed === 0 ? 'add' : 'change it to have';
    return [
      {
        path: name,
        note: `${name} was left alone, as it is ${encoding}: ${how} ${added.join(', ')}.`,
      },
    ];
  });
}

module.exports = { NOTHING, change, leftAlone, merged };
