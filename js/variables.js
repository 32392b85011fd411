'use strict';

// The variables of the process.

/** The variables of the process that are ours to read, by their names. */
const OURS = /^(FLUE_)?BRAINTRUST_/;

/** Whether what goes wrong should throw instead of warn. */
const isStrict = () => variables().FLUE_BRAINTRUST_STRICT === '1';

/** The variables that are ours. */
function ownVariables() {
  /** @type {Record<string, string>} */
  const env = {};
  for (const [name, value] of Object.entries(variables())) {
    if (OURS.test(name) && value !== undefined) env[name] = value;
  }
  return env;
}

/** @returns {NodeJS.Dict<string>} nothing in a runtime without them */
const variables = () => (typeof process === 'undefined' ? {} : (process.env ?? {}));

module.exports = { isStrict, ownVariables, variables };
