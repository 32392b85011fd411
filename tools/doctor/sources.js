'use strict';

// Where each setting is set.

const { FILE_VARIABLES, environment, nearestFile } = require('../../js/environment');
const { parse, toJson } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');

/** @typedef {import('../support/destination').EnvFile} EnvFile */
/** @typedef {import('./finding').SettingSource} SettingSource */

/**
 * The settings of a destination: their variables, and what applies, as far as the plan has it. The value of the
 * key is not shown.
 *
 * @type {{ setting: string, variable: string, applied?: (plan: import('../../js/native-types.d.ts').Plan) => string }[]}
 */
const SETTINGS = [
  { setting: 'API key', variable: 'BRAINTRUST_API_KEY' },
  { setting: 'app URL', variable: 'BRAINTRUST_APP_URL', applied: ({ appUrl }) => appUrl },
  {
    setting: 'API URL',
    variable: 'BRAINTRUST_API_URL',
    applied: ({ apiUrl }) => apiUrl ?? 'from the login',
  },
  {
    setting: 'organisation',
    variable: 'BRAINTRUST_ORG_NAME',
    applied: ({ orgName }) => orgName ?? 'the first of the key',
  },
  {
    setting: 'project',
    variable: 'BRAINTRUST_PROJECT_NAME',
    applied: ({ projectName }) => projectName,
  },
  {
    setting: 'project id',
    variable: 'BRAINTRUST_PROJECT_ID',
    applied: ({ projectId }) => projectId ?? 'by the name',
  },
  {
    setting: 'spool',
    variable: 'FLUE_BRAINTRUST_SPOOL_DIR',
    applied: ({ spoolDir }) => spoolDir ?? 'none',
  },
];
const LISTED = new Set(SETTINGS.map(({ variable }) => variable));

/**
 * The settings of a destination, and all other variables that are set, each with its source.
 *
 * @param {import('./finding').Known} known
 * @returns {SettingSource[]}
 */
function sources({ plan, envFile }) {
  const listed = SETTINGS.map(({ setting, variable, applied }) => {
    const place = sourceOf(variable, envFile);
    // Of the key, only whether there is one.
    const isSet = place.source === 'default' ? 'not set' : 'set';
    // Where a setting is wrong there is no plan; the others are shown all the same.
    const own = plan ?? planOfOnly(variable);
    const value = applied === undefined ? isSet : own && applied(own);
    return Object.assign(value === undefined ? { setting } : { setting, value }, place);
  });
  const others = Object.keys(environment().env)
    .filter((name) => !LISTED.has(name) && isFilled(process.env[name]))
    .map((name) => Object.assign({ setting: name }, sourceOf(name, envFile)));
  return [...listed, ...others];
}

/**
 * The plan that follows from one variable alone.
 *
 * @param {string} variable
 * @returns {import('../../js/native-types.d.ts').Plan | undefined} undefined: it is wrong
 */
function planOfOnly(variable) {
  const { env, file } = environment();
  const only = (/** @type {Record<string, string>} */ { [variable]: value }) =>
    value === undefined ? {} : { [variable]: value };
  try {
    const settings = toJson({ options: { apiKey: 'none' }, env: only(env), file: only(file) });
    return parse(loadNative().plan(settings));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} variable
 * @param {EnvFile} [envFile]
 * @returns {Pick<SettingSource, 'source' | 'variable' | 'file'>}
 */
function sourceOf(variable, envFile) {
  const value = process.env[variable];
  if (isFilled(value)) {
    // Those that were set before win: then the value is another one.
    const isFromFile = envFile !== undefined && envFile.variables[variable] === value;
    if (!isFromFile) return { source: 'variable', variable };
    return { source: 'env-file', variable, file: envFile.path };
  }
  const { path, variables } = nearestFile();
  if (path !== undefined && FILE_VARIABLES.includes(variable) && isFilled(variables[variable])) {
    return { source: '.env.braintrust', variable, file: path };
  }
  return { source: 'default' };
}

/**
 * The names of the variables that are set, by source. Never their values.
 *
 * @param {EnvFile | undefined} envFile
 */
function variablesBySource(envFile) {
  /** @type {Map<string, string[]>} */
  const places = new Map([['the environment', []]]);
  if (envFile !== undefined) places.set(envFile.path, []);
  const nearest = nearestFile().path;
  if (nearest !== undefined) places.set(nearest, places.get(nearest) ?? []);
  for (const variable of FILE_VARIABLES) {
    const { source, file = 'the environment' } = sourceOf(variable, envFile);
    if (source !== 'default') places.get(file)?.push(variable);
  }
  return [...places]
    .map(([place, names]) => `in ${place}: ${names.join(', ') || 'nothing'}`)
    .join('; ');
}

/** @param {string | undefined} value */
const isFilled = (value) => (value ?? '').trim() !== '';

module.exports = { isFilled, sourceOf, sources, variablesBySource };
