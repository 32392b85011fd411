'use strict';

// Finds packages in `node_modules`.

const fs = require('node:fs');
const path = require('node:path');

/**
 * Where Node finds a package.
 *
 * @param {string} from the folder of a module
 * @param {string} name
 * @returns {string | undefined} without links; undefined: there is none
 */
function installed(from, name) {
  for (let at = from; ; at = path.dirname(at)) {
    try {
      return fs.realpathSync(path.join(at, 'node_modules', name));
    } catch {
      // It is not here, or may not be seen.
    }
    if (at === path.dirname(at)) return undefined;
  }
}

module.exports = { installed };
