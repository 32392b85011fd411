'use strict';

// The copies of Flue's runtime that a project and Flue's tools in it would load.

const fs = require('node:fs');
const path = require('node:path');

const { installed } = require('../support/installed');
const { isObject } = require('../support/json');
const { FLUE } = require('../support/workspace');

/** The tools that load an application, each with the runtime that its own package finds. */
const TOOLS = ['@flue/cli', '@flue/vite'];

/**
 * A copy of the runtime.
 *
 * @typedef {object} FlueCopy
 * @property {string} folder without links
 * @property {string} version
 * @property {string} user the package that loads it; the name of the runtime for the project itself
 */

/**
 * Each copy once, that of the project first. Empty where packages lie in no `node_modules`, as with Plug'n'Play.
 *
 * @param {string} root of the project
 * @returns {FlueCopy[]}
 */
function flueCopies(root) {
  const users = TOOLS.map((name) => ({ user: name, from: installed(root, name) }));
  /** @type {Map<string, FlueCopy>} */
  const copies = new Map();
  for (const { user, from } of [{ user: FLUE, from: path.resolve(root) }, ...users]) {
    const folder = from === undefined ? undefined : installed(from, FLUE);
    if (folder === undefined || copies.has(folder)) continue;
    copies.set(folder, { folder, version: versionIn(folder), user });
  }
  return [...copies.values()];
}

/** @param {string} folder of a package @returns {string} empty if it is not known */
function versionIn(folder) {
  try {
    const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    return isObject(manifest) && typeof manifest.version === 'string' ? manifest.version : '';
  } catch {
    return '';
  }
}

module.exports = { flueCopies };
