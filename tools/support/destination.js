'use strict';

// The settings of an application that runs in this directory, for commands that send something.

const { environment } = require('../../js/environment');
const { parse, toJson } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { messageOf } = require('../../js/json/json-safe-copy');
const { Failure } = require('./usage');

/**
 * @typedef {import('../../js/native-types.d.ts').RawConfig} RawConfig
 * @typedef {import('../../js/native-types.d.ts').Plan} Plan
 */

/**
 * Settings as the native part takes them.
 * @typedef {import('../../js/native-types.d.ts').JsonString<RawConfig>} Settings
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
 * @returns {Settings}
 */
function settingsOf(options = {}) {
  return toJson({ options, ...environment() });
}

/**
 * The parsed settings. Throws a `Failure` when they are not usable.
 *
 * @param {Settings} settings
 * @returns {Plan}
 */
function planOf(settings) {
  try {
    return parse(loadNative().plan(settings));
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
