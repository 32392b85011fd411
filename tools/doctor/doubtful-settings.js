'use strict';

// Settings that are valid, and by which less is recorded or kept than their user may expect.

const fs = require('node:fs');
const path = require('node:path');

const { LEVELS } = require('../../js/log-level');

/**
 * A sentence for each such setting.
 *
 * @param {Record<string, string>} env the variables of the process
 * @param {string | null} spoolDir
 * @returns {string[]}
 */
function doubtfulSettings(env, spoolDir) {
  const log = env['FLUE_BRAINTRUST_LOG']?.trim().toLowerCase() ?? '';
  const rate = env['FLUE_BRAINTRUST_SAMPLE_RATE']?.trim() ?? '';
  const obstacle = spoolDir === null ? undefined : obstacleTo(path.resolve(spoolDir));
  return [
    rate !== '' && Number(rate) === 0
      ? 'With FLUE_BRAINTRUST_SAMPLE_RATE=0, no trace is recorded, or with FLUE_BRAINTRUST_KEEP_ERRORS only what fails.'
      : [],
    log !== '' && !LEVELS.has(log)
      ? 'FLUE_BRAINTRUST_LOG is not one of warn, info and debug: it is ignored.'
      : [],
    obstacle === undefined
      ? []
      : `The spool ${spoolDir} cannot be used, and tracing continues without it: ${obstacle}.`,
  ].flat();
}

/**
 * What keeps this process from making a directory, or from writing in it. Changes nothing.
 *
 * @param {string} directory
 * @returns {string | undefined} undefined: nothing, as far as it shows
 */
function obstacleTo(directory) {
  for (let at = directory; ; at = path.dirname(at)) {
    try {
      const found = fs.statSync(at, { throwIfNoEntry: false });
      if (found?.isDirectory() === false) return `${at} is not a directory`;
      if (found !== undefined) {
        fs.accessSync(at, fs.constants.W_OK);
        return undefined;
      }
    } catch (error) {
      // A part of the path is a file, which comes next.
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code !== 'ENOTDIR') return `${at} may not be written to (${code})`;
    }
    if (at === path.dirname(at)) return undefined;
  }
}

module.exports = { doubtfulSettings };
