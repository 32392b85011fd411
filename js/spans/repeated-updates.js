'use strict';

// Updates with files: they are recorded again, once the files are read.

const { dropOldest } = require('../drop-oldest.js');
const { filled, partsBeside, partsWith } = require('./attachment.js');

/** What is repeated, by the ids of the rows. The oldest first. @type {Map<string, Set<{ parts: any }>>} */
const waiting = new Map();
const MAX_WAITING = 16_384;

/**
 * Records the files of an update once they are read, except where a later update has replaced them.
 * @param {string} id of the row
 * @param {Record<string, any>} update as it was recorded
 * @param {import('./attachment.js').UnreadFile[]} files
 * @param {(update: Record<string, any>) => void} record
 * @returns {Promise<void>} ends when they are recorded
 */
function repeatWhenRead(id, update, files, record) {
  const repeat = { parts: partsWith(update, files) };
  const repeats = waiting.get(id) ?? new Set();
  waiting.set(id, repeats.add(repeat));
  dropOldest(waiting, MAX_WAITING);
  return Promise.all(files.map(({ reading }) => reading)).then(() => {
    repeats.delete(repeat);
    if (repeats.size === 0 && waiting.get(id) === repeats) waiting.delete(id);
    if (repeat.parts !== undefined) record(filled(repeat.parts, files));
  });
}

/**
 * Takes what a later update replaces out of what is repeated.
 * @param {string} id of the row
 * @param {Record<string, any>} update
 */
function noteUpdate(id, update) {
  for (const repeat of waiting.get(id) ?? []) repeat.parts = partsBeside(repeat.parts, update);
}

module.exports = { noteUpdate, repeatWhenRead };
