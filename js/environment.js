'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseEnv } = require('node:util');

/** The variables of the process that are ours to read, by their names. */
const OURS = /^(FLUE_)?BRAINTRUST_|^NODE_EXTRA_CA_CERTS$/;

/** The variables that `.env.braintrust` may set; others in it are not ours to read. */
const FILE_VARIABLES = [
  'BRAINTRUST_API_KEY',
  'BRAINTRUST_APP_URL',
  'BRAINTRUST_API_URL',
  'BRAINTRUST_ORG_NAME',
  'BRAINTRUST_PROJECT_NAME',
  'BRAINTRUST_PROJECT_ID',
];

/** How far above the working directory the file is looked for. */
const MAX_PARENTS = 64;

/** Whether what goes wrong should throw instead of warn. */
const isStrict = () => process.env.FLUE_BRAINTRUST_STRICT === '1';

/**
 * What the settings may be read from besides the options: the process's own variables and those of
 * `.env.braintrust`. Nothing is written back to `process.env`.
 * @returns {{ env: Record<string, string>, file: Record<string, string> }}
 */
function environment() {
  /** @type {Record<string, string>} */
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (OURS.test(name) && value !== undefined) env[name] = value;
  }
  return { env, file: pick(nearestFile()) };
}

/** @param {NodeJS.Dict<string>} variables */
function pick(variables) {
  /** @type {Record<string, string>} */
  const picked = {};
  for (const name of FILE_VARIABLES) {
    const value = variables[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/**
 * The nearest `.env.braintrust`, from the working directory upwards. The first that exists ends the
 * search, even if it cannot be read.
 */
function nearestFile() {
  let directory = workingDirectory();
  for (let parents = 0; directory !== '' && parents <= MAX_PARENTS; parents++) {
    try {
      return parseEnv(fs.readFileSync(path.join(directory, '.env.braintrust'), 'utf8'));
    } catch (error) {
      const code = /** @type {NodeJS.ErrnoException} */ (error).code;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') return {};
    }
    const parent = path.dirname(directory);
    if (parent === directory) break;
    directory = parent;
  }
  return {};
}

/** Empty when it was deleted. */
function workingDirectory() {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

module.exports = { environment, isStrict };
