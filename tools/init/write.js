'use strict';

// Writes files whole or not at all: a full disk must not cost the user a source.

const fs = require('node:fs');
const path = require('node:path');

const { codeOf } = require('../support/error-code');

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
 * Replaces what a file has. A link to it stays one, and so do its owner, its mode and its other names.
 *
 * @param {string} file
 * @param {string} text
 */
function replaceFile(file, text) {
  const target = fs.realpathSync(file);
  // One that may not be written must not be exchanged either.
  fs.accessSync(target, fs.constants.W_OK);
  const { mode, uid, gid, nlink } = fs.statSync(target);
  if (nlink > 1) return overwrite(target, text);
  const next = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.tmp`);
  try {
    createFile(next, text);
    const made = fs.statSync(next);
    if (made.uid !== uid || made.gid !== gid) fs.chownSync(next, uid, gid);
    fs.chmodSync(next, mode & 0o777);
    fs.renameSync(next, target);
  } catch (error) {
    fs.rmSync(next, { force: true });
    if (!FIXED.has(codeOf(error))) throw error;
    overwrite(target, text);
  }
}

/**
 * Writes over a file in its place. What it had is put back if that fails: it takes no more room than it took before.
 *
 * @param {string} file
 * @param {string} text
 */
function overwrite(file, text) {
  const [before, after] = [fs.readFileSync(file), Buffer.from(text)];
  const handle = fs.openSync(file, 'r+');
  let written = 0;
  try {
    while (written < after.length) written += fs.writeSync(handle, after, written, null, written);
    fs.ftruncateSync(handle, after.length);
  } catch (error) {
    const end = Math.min(written, before.length);
    for (let at = 0; at < end;) at += fs.writeSync(handle, before, at, end - at, at);
    fs.ftruncateSync(handle, before.length);
    throw error;
  } finally {
    fs.closeSync(handle);
  }
}

module.exports = { createFile, replaceFile };
