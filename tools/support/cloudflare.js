'use strict';

// Projects for Cloudflare, whose tools decide which variables a Worker gets in development.

const { existsSync, readdirSync } = require('node:fs');
const path = require('node:path');

const { variablesIn } = require('./env-file');

const CONFIGURATIONS = ['wrangler.jsonc', 'wrangler.json', 'wrangler.toml'];
/** `.dev.vars`, and that of an environment; not an example of one. */
const DEV_VARS = /^\.dev\.vars(?:\.(?!example$|sample$|template$).+)?$/;

/** By this variable, a Worker gets those of the process, and they win over `.env`. */
const INCLUDE_PROCESS_ENV = { CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true' };

/** @param {string} directory of a project */
const isForCloudflare = (directory) =>
  CONFIGURATIONS.some((name) => existsSync(path.join(directory, name)));

/**
 * The files from which a Worker gets its variables, and then no others: neither those of the process nor of `.env`.
 *
 * @param {string} directory of a project
 * @returns {{ name: string, variables: NodeJS.Dict<string> }[]} a file that cannot be read has no variables
 */
function devVarsFiles(directory) {
  const names = namesIn(directory).filter((name) => DEV_VARS.test(name));
  return names
    .toSorted()
    .map((name) => ({ name, variables: variablesIn(path.join(directory, name)) }));
}

/** @param {string} directory @returns {string[]} */
function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

module.exports = { INCLUDE_PROCESS_ENV, devVarsFiles, isForCloudflare };
