'use strict';

// Reads `--port`.

const { UsageError } = require('../support/usage');

/** The default port of the collector. */
const DEFAULT_PORT = 4983;

/**
 * @param {import('../support/usage').OptionValue} text
 * @param {number} least
 * @returns {number}
 */
function readPort(text, least) {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(String(text)) || port < least || port > 65_535) {
    throw new UsageError(`--port must be a number from ${least} to 65535, but is ${String(text)}`);
  }
  return port;
}

module.exports = { DEFAULT_PORT, readPort };
