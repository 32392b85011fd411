'use strict';

// What is wrong with an option, without the words of the application.

const { withoutKeys } = require('./hidden-keys.js');
const { classOf } = require('./json/describe.js');

/** An option is invalid. Its message has names of options, and neither content nor an API key. */
class InvalidOption extends TypeError {
  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super(withoutKeys(message), options);
  }
}

/**
 * What is read of an option. Of what a getter or another function of the application throws, only the class is named.
 * @template T
 * @param {string} name
 * @param {() => T} read
 * @returns {T}
 */
function readOption(name, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidOption) throw error;
    throw new InvalidOption(`\`${name}\` cannot be read (${classOf(error)})`, { cause: error });
  }
}

module.exports = { InvalidOption, readOption };
