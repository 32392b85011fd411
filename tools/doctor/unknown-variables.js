'use strict';

// Variables that have names like ours, and that nothing reads.

const { environment } = require('../../js/environment');
const { suggestionFor } = require('../support/suggest');

/** The variables that are read, without `FLUE_BRAINTRUST_` and without `BRAINTRUST_`. */
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
].map((name) => `BRAINTRUST_${name}`);
/** Every variable that is read and has such a name. */
const READ = [...OURS, ...SHARED];

/**
 * A sentence for each variable that is set and not read: with the prefix of this package, and those of the `braintrust`
 * package only if their names are nearly right, for it reads more than this one.
 * @returns {string[]}
 */
function unknownVariables() {
  const names = Object.keys(environment().env).filter((name) => /^(FLUE_)?BRAINTRUST_/.test(name));
  return names.flatMap((name) => {
    if (READ.includes(name)) return [];
    const meant = meantBy(name);
    if (meant !== undefined) return `${name} is not read. Did you mean ${meant}?`;
    return name.startsWith('FLUE_') ? `${name} is not read.` : [];
  });
}

/** The variable that a name was probably meant to be. @param {string} name */
function meantBy(name) {
  const withOtherPrefix = name.startsWith('FLUE_') ? name.replace('FLUE_', '') : `FLUE_${name}`;
  if (READ.includes(withOtherPrefix)) return withOtherPrefix;
  const inLowerCase = READ.map((known) => known.toLowerCase());
  return suggestionFor(name, inLowerCase)?.toUpperCase();
}

module.exports = { READ, unknownVariables };
