'use strict';

// The variables of the process.

/** The variables of the process that are ours to read, by their names. */
const OURS = /^(FLUE_)?BRAINTRUST_/;

/** Whether what goes wrong should throw instead of warn. Not where no variable can be read. */
function isStrict() {
  try {
    return variables().FLUE_BRAINTRUST_STRICT === '1';
  } catch {
    return false;
  }
}

/** The variables that are ours, by name: the same ones make the same text, in whatever order they were set. */
function ownVariables() {
  const all = variables();
  /** @type {Record<string, string>} */
  const env = {};
  for (const name of Object.keys(all).toSorted()) {
    const value = OURS.test(name) ? all[name] : undefined;
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** @returns {NodeJS.Dict<string>} nothing in a runtime without them */
const variables = () => (typeof process === 'undefined' ? {} : (process.env ?? {}));

module.exports = { isStrict, ownVariables, variables };
