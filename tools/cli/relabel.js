'use strict';

// Assigns what ended processes left in a spool for one destination to another one.

const fs = require('node:fs');
const path = require('node:path');

const { codeOf } = require('../support/error-code');

/**
 * Renames the files. Each rename is atomic: should a process of the old destination start meanwhile, each file belongs
 * either to it or to the new destination. Should this process end, the rest keeps the old name.
 *
 * @param {string} directory
 * @param {string[]} names of spool files
 * @param {string} destination
 */
function relabel(directory, names, destination) {
  const isLock = (/** @type {string} */ name) => Number(name.endsWith('.lock'));
  // A lock comes first: so files never stand under the new name without one, as those of a process that still starts.
  for (const name of names.toSorted((a, b) => isLock(b) - isLock(a))) {
    const renamed = destination + name.slice(destination.length);
    try {
      fs.renameSync(path.join(directory, name), path.join(directory, renamed));
    } catch (error) {
      // Another process has adopted it meanwhile.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

module.exports = { relabel };
