'use strict';

// Reads a spool directory for the commands `inspect` and `drain`.

const fs = require('node:fs');

const { parse } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { messageOf } = require('../../js/json/describe');
const { Failure } = require('../support/usage');

/** A spool file as docs/spool-format.md names it, of any kind but damaged ones, which stay where they were found. */
const SPOOL_FILE = /^([\da-f]{16})-(\d+)-[\da-f]{8}(?:-\d{10,})?\.(?:rows|open|tmp|lock)$/;

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

/**
 * The names of the files that ended processes have left for a destination.
 *
 * @param {string} directory
 * @param {import('../../js/native-types.d.ts').SpoolShare} share
 */
function filesOfEnded(directory, { destination, processes }) {
  const running = new Set(processes.filter(({ runs }) => runs).map(({ pid }) => pid));
  return fs.readdirSync(directory).filter((name) => {
    const [, owner, pid] = SPOOL_FILE.exec(name) ?? [];
    return owner === destination && !running.has(Number(pid));
  });
}

module.exports = { filesOfEnded, readSpool };
