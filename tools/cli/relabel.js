'use strict';

// Assigns what ended processes left in a spool for one destination to another one.

const fs = require('node:fs');
const path = require('node:path');

const { codeOf } = require('../support/error-code');

/** A spool file as docs/spool-format.md names it, of any kind but damaged ones, which stay where they were found. */
const SPOOL_FILE = /^([\da-f]{16})-(\d+)-([\da-f]{8})((?:-\d{10,})?\.(?:rows|open|tmp|lock))$/;

/**
 * Renames the files. Each rename is atomic: should a process of the old destination start meanwhile, each file belongs
 * either to it or to the new destination. Should this process end, the rest keeps the old name.
 *
 * @param {string} directory
 * @param {string} from a destination
 * @param {string} to
 * @param {ReadonlySet<number>} running ids of processes whose files stay
 */
function relabel(directory, from, to, running) {
  const found = fs.readdirSync(directory).flatMap((name) => {
    const [, destination, pid, random, rest = ''] = SPOOL_FILE.exec(name) ?? [];
    const isTheirs = destination === from && !running.has(Number(pid));
    return isTheirs
      ? [{ name, renamed: `${to}-${pid}-${random}${rest}`, isLock: rest === '.lock' }]
      : [];
  });
  // A lock comes first: so files never stand under the new name without one, as those of a process that still starts.
  for (const { name, renamed } of found.toSorted((a, b) => Number(b.isLock) - Number(a.isLock))) {
    try {
      fs.renameSync(path.join(directory, name), path.join(directory, renamed));
    } catch (error) {
      // Another process has adopted it meanwhile.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

module.exports = { relabel };
