'use strict';

// Projects for Cloudflare, whose tools decide which variables a Worker gets in development.

const { existsSync, readFileSync, readdirSync } = require('node:fs');
const path = require('node:path');

const { variablesIn } = require('./env-file');
const { projectFolders } = require('./workspace');

const CONFIGURATIONS = ['wrangler.jsonc', 'wrangler.json', 'wrangler.toml'];
/** `.dev.vars`, and that of an environment; not an example of one. */
const DEV_VARS = /^\.dev\.vars(?:\.(?!example$|sample$|template$).+)?$/;

/** By this variable, a Worker gets those of the process, and they win over `.env`. */
const INCLUDE_PROCESS_ENV = { CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true' };

/** From this compatibility date, Cloudflare fills `process.env`; before it, with this flag; never with the other one. */
const FILLED_SINCE = '2025-04-01';
const FILLS = 'nodejs_compat_populate_process_env';
const EMPTIES = 'nodejs_compat_do_not_populate_process_env';

/** @param {string} directory of a project */
const isForCloudflare = (directory) =>
  CONFIGURATIONS.some((name) => existsSync(path.join(directory, name)));

/**
 * The files from which a Worker gets its variables, and then no others: neither those of the process nor of `.env`.
 *
 * @param {string} directory of a project, or of a workspace
 * @returns {{ name: string, variables: NodeJS.Dict<string> }[]} a file that cannot be read has no variables
 */
function devVarsFiles(directory) {
  return projectFolders(directory)
    .flatMap((folder) =>
      namesIn(path.join(directory, folder))
        .filter((name) => DEV_VARS.test(name))
        .toSorted()
        .map((name) => path.join(folder, name)),
    )
    .map((name) => ({ name, variables: variablesIn(path.join(directory, name)) }));
}

/**
 * Why `process.env` is empty in a Worker, so that an application which looks for the key there starts no tracing.
 *
 * @param {string} directory
 * @param {string} [folder] of the project, relative to the directory
 * @returns {{ detail: string, advice: string } | undefined} undefined: it is not, as far as the configuration shows
 */
function emptyEnvironment(directory, folder = '.') {
  for (const name of CONFIGURATIONS.map((one) => path.join(folder, one))) {
    const text = configurationIn(path.join(directory, name));
    const dates = text.matchAll(/\bcompatibility_date["']?\s*[:=]\s*["']?(\d{4}-\d\d-\d\d)/g);
    const date = Array.from(dates, ([, stated = '']) => stated).toSorted()[0];
    const effect = '`process.env` is empty in a Worker, and `braintrust.ts` finds no key there';
    if (text.includes(EMPTIES)) {
      const detail = `with the flag \`${EMPTIES}\` in ${name}, ${effect}`;
      return { detail, advice: 'Remove that flag.' };
    }
    if (date !== undefined && date < FILLED_SINCE && !text.includes(FILLS)) {
      const detail = `with the compatibility date ${date} in ${name}, ${effect}`;
      const advice = `Set the date to ${FILLED_SINCE} or later, or add the compatibility flag \`${FILLS}\`.`;
      return { detail, advice };
    }
  }
  return undefined;
}

/** @param {string} file in JSON or TOML @returns {string} without comments; empty if it cannot be read */
function configurationIn(file) {
  try {
    return readFileSync(file, 'utf8').replace(
      /("(?:\\.|[^"\\\n])*"|'[^'\n]*')|\/\*[^]*?\*\/|\/\/.*|#.*/g,
      (_part, /** @type {string | undefined} */ quoted) => quoted ?? ' ',
    );
  } catch {
    return '';
  }
}

/** @param {string} directory @returns {string[]} */
function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

module.exports = { INCLUDE_PROCESS_ENV, devVarsFiles, emptyEnvironment, isForCloudflare };
