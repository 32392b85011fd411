'use strict';

// Tracing in a package of the workspace, which several applications share.

const path = require('node:path');

const { installed } = require('../support/installed');
const { readableFile } = require('./files');
const { importsOf, modulesCalled } = require('./source');
const { sourcesIn } = require('./sources');
const { OURS, isOurs } = require('./tracing');

/** @typedef {import('./project').Project} Project */

/**
 * The package of the workspace that connects Flue with Braintrust for a project.
 *
 * @param {Project} project
 * @returns {{ name: string, isImported: boolean } | undefined}
 */
function sharedTracing({ root, dependencies, sources, app }) {
  // This package may be linked, too.
  const others = Object.keys(dependencies).filter((one) => one !== OURS);
  const name = others.find((one) => isTracing(linked(root, one)));
  if (name === undefined) return undefined;
  const isOfIt = (/** @type {string} */ from) => from === name || from.startsWith(`${name}/`);
  const isImported = [...sources, ...(app ? [app] : [])].some(
    ({ text }) =>
      importsOf(text).some(({ from }) => isOfIt(from)) || modulesCalled(text).some(isOfIt),
  );
  return { name, isImported };
}

/** @param {string | undefined} folder of a package */
function isTracing(folder) {
  if (folder === undefined) return false;
  // What does not depend on this package does not trace by it, and is not read.
  if (!readableFile(folder, 'package.json')?.text.includes(`"${OURS}"`)) return false;
  try {
    const { sources } = sourcesIn(folder, '.');
    return sources.some((file) => isOurs(file, sources));
  } catch {
    // It cannot be read.
    return false;
  }
}

/**
 * The folder of a package that is linked into `node_modules`, as those of a workspace are.
 *
 * @param {string} root of the project
 * @param {string} name
 * @returns {string | undefined} undefined: it is not there, or comes from a registry
 */
function linked(root, name) {
  const folder = installed(root, name);
  return folder?.split(path.sep).includes('node_modules') ? undefined : folder;
}

module.exports = { sharedTracing };
