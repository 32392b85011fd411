'use strict';

/**
 * The code of an error of the system or of Node, such as `ENOENT`.
 *
 * @param {unknown} error
 * @returns {string} empty: it has none
 */
function codeOf(error) {
  return String(/** @type {NodeJS.ErrnoException} */ (error ?? {}).code ?? '');
}

module.exports = { codeOf };
