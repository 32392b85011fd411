'use strict';

// Reads `--port`.

const { DEFAULT_PORT } = require('../support/ports');
const { UsageError } = require('../support/usage');

/**
 * @param {import('../support/usage').OptionValue} text
 * @param {number} least
 * @returns {number | undefined} undefined: none is given
 */
function givenPort(text, least) {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(String(text)) || port < least || port > 65_535) {
    throw new UsageError(`--port must be a number from ${least} to 65535, but is ${String(text)}`);
  }
  return port;
}

/**
 * @param {import('../support/usage').OptionValue} text
 * @param {number} least
 */
const readPort = (text, least) => givenPort(text, least) ?? DEFAULT_PORT;

module.exports = { givenPort, readPort };
