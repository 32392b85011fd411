'use strict';

// Variables that have names like ours, and that nothing reads.

const { FILE_VARIABLES } = require('../../js/environment');
const { suggestionFor } = require('../support/suggest');
const { isFilled } = require('./sources');

/** The variables that only this package reads. */
const OURS = [
  'ATTACHMENTS',
  'CONTENT',
  'DEBUG',
  'DEV',
  'DISTRIBUTED_TRACING',
  'ENVIRONMENT',
  'EXIT_TIMEOUT_MS',
  'KEEP_ERRORS',
  'LOG',
  'LOGS',
  'MAX_FIELD_BYTES',
  'MAX_FULL_INPUT_BYTES',
  'MAX_QUEUE_BYTES',
  'MESSAGES',
  'METADATA',
  'REDACT',
  'RELEASE',
  'REQUEST_TIMEOUT_MS',
  'SAMPLE_RATE',
  'SPOOL_DIR',
  'STRICT',
  'TAGS',
  'TOP',
  'TURN_INPUT',
].map((name) => `FLUE_BRAINTRUST_${name}`);
/** Those that the `braintrust` package reads as well. */
const SHARED = [
  'API_KEY',
  'API_URL',
  'APP_URL',
  'DEBUG_LOG_LEVEL',
  'DEFAULT_BATCH_SIZE',
  'MAX_CONCURRENT_LOG_REQUESTS',
  'MAX_REQUEST_SIZE',
  'ORG_NAME',
  'PROJECT_NAME',
  'PROJECT_ID',
  'QUEUE_DROP_EXCEEDING_MAXSIZE',
  'QUEUE_DROP_LOGGING_PERIOD',
  'ENVIRONMENT_NAME',
  'ENVIRONMENT_TYPE',
].map((name) => `BRAINTRUST_${name}`);
/** Every variable that is read and has such a name. */
const READ = [...OURS, ...SHARED];
const PREFIX = /^(FLUE_)?BRAINTRUST_/;

/**
 * A sentence for each variable that is set and not read: with the prefix of this package, and those of the `braintrust`
 * package only if their names are nearly right, for it reads more than this one.
 * @param {Record<string, string>} env the variables of the process
 * @param {ReturnType<typeof import('../../js/environment').nearestFile>} file `.env.braintrust`
 * @returns {string[]}
 */
function unknownVariables(env, { path, variables }) {
  const isOurs = (/** @type {string} */ name) => PREFIX.test(name);
  const set = Object.keys(env).filter((name) => isOurs(name) && isFilled(env[name]));
  const inFile = Object.keys(variables).filter(isOurs);
  return [
    ...set.filter((name) => !READ.includes(name)).flatMap((name) => sentenceOn(name)),
    ...inFile
      .filter((name) => !FILE_VARIABLES.includes(name))
      .flatMap((name) => sentenceOn(name, path)),
  ];
}

/**
 * @param {string} name
 * @param {string} [file] in which it stands
 * @returns {string[]}
 */
function sentenceOn(name, file) {
  const where = file === undefined ? name : `${name} in ${file}`;
  if (READ.includes(name)) return [`${where} is not read: set it in the environment.`];
  const meant = meantBy(name);
  if (meant !== undefined) return [`${where} is not read. Did you mean ${meant}?`];
  return name.startsWith('FLUE_') ? [`${where} is not read.`] : [];
}

/** The variable that a name was probably meant to be. @param {string} name */
function meantBy(name) {
  const otherPrefix = name.startsWith('FLUE_') ? name.replace('FLUE_', '') : `FLUE_${name}`;
  if (READ.includes(otherPrefix)) return otherPrefix;
  // Without the prefix, which all have: a word has more errors the shorter it is.
  const [prefix = ''] = PREFIX.exec(name) ?? [];
  const alike = READ.filter((known) => PREFIX.exec(known)?.[0] === prefix);
  const rest = (/** @type {string} */ text) => text.slice(prefix.length).toLowerCase();
  const meant = suggestionFor(rest(name), alike.map(rest));
  return meant && prefix + meant.toUpperCase();
}

module.exports = { READ, unknownVariables };
