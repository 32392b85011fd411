'use strict';

// What the commands about spools share.

const { messageOf } = require('../plain-copy');
const { listSpool } = require('../spool/listing');
const { Failure } = require('./usage');

/**
 * What a spool holds, for commands that can do nothing where it cannot be read.
 *
 * @param {string} directory
 */
function readSpool(directory) {
  try {
    return listSpool(directory);
  } catch (error) {
    throw new Failure(`the spool cannot be read: ${messageOf(error)}`);
  }
}

module.exports = { readSpool };
