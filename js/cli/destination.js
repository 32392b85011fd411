'use strict';

// Where a command sends to: the settings an application here would have.

const { environment } = require('../environment');
const { loadNative } = require('../native-loader');
const { messageOf } = require('../plain-copy');
const { Failure } = require('./usage');

/**
 * What settings come to, as the native part reads them.
 *
 * @typedef {object} Plan
 * @property {string} appUrl
 * @property {string | null} apiUrl null: the login tells
 * @property {string | null} orgName null: the first that the key opens
 * @property {string} projectName
 * @property {string | null} projectId null: the project goes by its name
 * @property {string | null} proxy on the way to the app
 * @property {number} requestTimeoutMs
 * @property {string | null} spoolDir
 * @property {string} destination how spool files of this destination are named
 */

/**
 * The options of the commands that send something.
 * @type {import('./usage').OptionsConfig}
 */
const destinationOptions = { 'env-file': { type: 'string' } };

const destinationUsage = `      --env-file FILE  read variables from FILE first; those that are set already win`;

/**
 * Reads the file that `--env-file` names into the environment.
 *
 * @param {import('./usage').OptionValues} values
 */
function readEnvFile(values) {
  const file = values['env-file'];
  if (typeof file !== 'string') return;
  try {
    process.loadEnvFile(file);
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${messageOf(error)}`);
  }
}

/**
 * The settings of an application that runs here and gives `initLogger` these options.
 *
 * @param {Record<string, unknown>} [options]
 * @returns {string} as the native part takes them
 */
function settingsOf(options = {}) {
  return JSON.stringify({ options, ...environment() });
}

/**
 * The same for commands that can do nothing without.
 *
 * @param {string} settings
 * @returns {Plan}
 */
function planOf(settings) {
  try {
    return JSON.parse(loadNative().plan(settings));
  } catch (error) {
    throw new Failure(`${messageOf(error)}. \`flue-braintrust doctor\` tells more.`);
  }
}

module.exports = {
  destinationOptions,
  destinationUsage,
  planOf,
  readEnvFile,
  settingsOf,
};
