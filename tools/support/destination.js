'use strict';

// The settings of an application that runs in this directory, for commands that send something.

const { environment } = require('../../js/environment');
const { parse, toJson } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { messageOf } = require('../../js/json/describe');
const { readVariables } = require('./env-file');
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

const destinationUsage = `      --env-file FILE  also read variables from FILE; those that are set take precedence. If FILE is missing,
                       Node itself prints an error, and the exit code is 9`;

/**
 * A file of variables that was read into the environment.
 *
 * @typedef {object} EnvFile
 * @property {string} path
 * @property {NodeJS.Dict<string>} variables
 */

/**
 * Reads the file that `--env-file` names into the environment. Some versions of Node have done so before the program
 * starts, wherever the option stands, or have refused to start.
 *
 * @param {import('./usage').OptionValues} values
 * @returns {EnvFile | undefined} undefined: none is named
 */
function readEnvFile(values) {
  const path = values['env-file'];
  if (typeof path !== 'string') return undefined;
  try {
    const variables = readVariables(path);
    // A variable that is blank counts as unset.
    for (const [name, value] of Object.entries(variables)) {
      if (!process.env[name]?.trim()) process.env[name] = value;
    }
    return { path, variables };
  } catch (error) {
    throw new Failure(`--env-file: ${path} cannot be read (${messageOf(error)})`);
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
    // A command has no options of `initLogger`.
    const problem = messageOf(error).replace(
      '`apiKey` of initLogger',
      'name a file that has it, with --env-file',
    );
    throw new Failure(`${problem}. \`npx flue-braintrust doctor\` has the details.`);
  }
}

module.exports = {
  destinationOptions,
  destinationUsage,
  planOf,
  readEnvFile,
  settingsOf,
};
