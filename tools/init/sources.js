'use strict';

// Finds the modules of a project.

const fs = require('node:fs');
const path = require('node:path');

const { Failure } = require('../support/usage');
const { readFile, reasonOf } = require('./files');

const SOURCE_FILE = /(?<!\.d)\.[cm]?[jt]sx?$/;
const NOT_SOURCES = new Set(['node_modules', 'dist', 'build', 'coverage']);

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/**
 * @param {string} root
 * @param {string} sourceRoot
 * @param {string} [leftOut] a folder in it
 * @returns {{ sources: SourceFile[], unreadable: string[] }}
 */
function sourcesIn(root, sourceRoot, leftOut) {
  /** @type {SourceFile[]} */
  const sources = [];
  /** @type {string[]} */
  const unreadable = [];
  /** @param {string} name @param {string} why */
  const leaveOut = (name, why) =>
    unreadable.push(`${name} was left out, as it cannot be read: ${why}.`);
  const folders = [sourceRoot];
  for (const folder of folders) {
    const entries = entriesOf(path.join(root, folder));
    if ('why' in entries) {
      if (folder === sourceRoot) throw new Failure(`${folder} cannot be read: ${entries.why}`);
      leaveOut(folder, entries.why);
      continue;
    }
    for (const entry of entries) {
      const name = path.join(folder, entry.name);
      const isRead = isSourceFolder(entry.name) && name !== leftOut;
      if (entry.isDirectory() && isRead) folders.push(name);
      if (entry.isDirectory() || !SOURCE_FILE.test(entry.name)) continue;
      const file = readFile(root, name);
      if (file === undefined) continue;
      if ('why' in file) leaveOut(name, file.why);
      else sources.push(file);
    }
  }
  return { sources, unreadable };
}

/**
 * @param {string} folder
 * @returns {fs.Dirent[] | import('./files').Unreadable}
 */
function entriesOf(folder) {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return { why: reasonOf(error) };
  }
}

/**
 * The modules of a project outside of its source root, such as evaluations and tests.
 *
 * @param {Project} project
 * @returns {SourceFile[]}
 */
function sourcesElsewhere({ root, sourceRoot }) {
  return sourceRoot === '.' ? [] : sourcesIn(root, '.', sourceRoot).sources;
}

/** @param {string} name */
const isSourceFolder = (name) => !NOT_SOURCES.has(name) && !name.startsWith('.');

module.exports = { sourcesElsewhere, sourcesIn };
