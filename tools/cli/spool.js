'use strict';

// Reads a spool directory for the commands `inspect` and `drain`.

const fs = require('node:fs');

const { parse } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { messageOf } = require('../../js/json/json-safe-copy');
const { Failure } = require('../support/usage');

/**
 * What a spool holds. Throws a `Failure` when it cannot be read.
 *
 * @param {string} directory
 */
function readSpool(directory) {
  try {
    // Node's error names the code, such as ENOENT.
    fs.accessSync(directory, fs.constants.R_OK);
    return parse(loadNative().inspectSpool(directory));
  } catch (error) {
    throw new Failure(`the spool cannot be read: ${messageOf(error)}`);
  }
}

module.exports = { readSpool };
