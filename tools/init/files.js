'use strict';

// Reads files of a project, which may be anything: in other encodings, unreadable, folders, links to nowhere.

const fs = require('node:fs');
const path = require('node:path');

const { codeOf } = require('../support/error-code');

/**
 * A text file. Only one in UTF-8 without a byte order mark can be changed without damage: of others `encoding` states
 * what they are, and the text is only good to be searched.
 *
 * @typedef {object} SourceFile
 * @property {string} path relative to the project
 * @property {string} text without a byte order mark
 * @property {string} [encoding] such as `UTF-16`; absent: it can be changed
 */

/** Why a path cannot be read as a file. @typedef {{ why: string }} Unreadable */

const REASONS = new Map([
  ['EACCES', 'it may not be read'],
  ['EPERM', 'it may not be read'],
  ['ELOOP', 'its links lead in a circle'],
  ['ENAMETOOLONG', 'its path is too long'],
  ['ERR_STRING_TOO_LONG', 'it is too large'],
  ['ERR_FS_FILE_TOO_LARGE', 'it is too large'],
]);

/**
 * @param {string} root
 * @param {string} name relative to the root
 * @returns {SourceFile | Unreadable | undefined} undefined: there is none
 */
function readFile(root, name) {
  const file = path.join(root, name);
  try {
    const found = fs.statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return isThere(file) ? { why: 'it is a link to nowhere' } : undefined;
    if (found.isDirectory()) return { why: 'it is a folder' };
    // Reading a pipe would wait for its writer.
    if (!found.isFile()) return { why: 'it is not a file' };
    return { path: name, ...decoded(fs.readFileSync(file)) };
  } catch (error) {
    // A part of the path is a file.
    if (codeOf(error) === 'ENOTDIR') return undefined;
    return { why: reasonOf(error) };
  }
}

/**
 * @param {string} root
 * @param {string} name
 * @returns {SourceFile | undefined} undefined: there is none, or it cannot be read
 */
function readableFile(root, name) {
  const file = readFile(root, name);
  return file !== undefined && 'text' in file ? file : undefined;
}

/**
 * Whether anything has that name, be it a link to nowhere.
 *
 * @param {string} file
 */
function isThere(file) {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // What may not be looked at may be there.
    return codeOf(error) !== 'ENOTDIR';
  }
}

/** @param {Buffer} bytes @returns {{ text: string, encoding?: string }} */
function decoded(bytes) {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return decodedAs('utf-16le', bytes, 'UTF-16');
  if (first === 0xfe && second === 0xff) return decodedAs('utf-16be', bytes, 'UTF-16');
  const hasMark = first === 0xef && second === 0xbb && third === 0xbf;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.includes('\0')) return { text, encoding: 'no text in UTF-8' };
    return hasMark ? { text, encoding: 'UTF-8 with a byte order mark' } : { text };
  } catch {
    return decodedAs('latin1', bytes, 'not UTF-8');
  }
}

/**
 * @param {string} label
 * @param {Buffer} bytes
 * @param {string} encoding
 */
const decodedAs = (label, bytes, encoding) => ({
  text: new TextDecoder(label).decode(bytes),
  encoding,
});

/** @param {unknown} error @returns {string} why the system refused */
const reasonOf = (error) =>
  REASONS.get(codeOf(error)) ?? String(/** @type {Error} */ (error).message);

module.exports = { readFile, readableFile, reasonOf };
