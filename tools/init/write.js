'use strict';

// Writes files whole or not at all: a full disk must not cost the user a source.

const fs = require('node:fs');
const path = require('node:path');

/** Where a file cannot be exchanged for another one, such as in a folder that may not be written to. */
const FIXED = new Set(['EACCES', 'EBUSY', 'EPERM', 'EROFS', 'EXDEV']);

/**
 * Writes a file that is not there yet.
 *
 * @param {string} file
 * @param {string} text
 */
function createFile(file, text) {
  const handle = fs.openSync(file, 'wx');
  try {
    fs.writeFileSync(handle, text);
  } catch (error) {
    fs.rmSync(file, { force: true });
    throw error;
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * Replaces what a file has. A link to it stays one.
 *
 * @param {string} file
 * @param {string} text
 */
function replaceFile(file, text) {
  const target = fs.realpathSync(file);
  // One that may not be written must not be exchanged either.
  fs.accessSync(target, fs.constants.W_OK);
  const next = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.tmp`);
  try {
    createFile(next, text);
    fs.chmodSync(next, fs.statSync(target).mode & 0o777);
    fs.renameSync(next, target);
  } catch (error) {
    fs.rmSync(next, { force: true });
    if (!FIXED.has(String(/** @type {NodeJS.ErrnoException} */ (error).code))) throw error;
    fs.writeFileSync(target, text);
  }
}

module.exports = { createFile, replaceFile };
