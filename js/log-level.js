'use strict';

// What is printed besides warnings, as `FLUE_BRAINTRUST_LOG` sets it.

const { ownVariables } = require('./variables.js');
const { warn } = require('./warn.js');

/**
 * `warn`: only warnings; `info`: one line for each logger, too; `debug`: requests and batches as well.
 * @typedef {'warn' | 'info' | 'debug'} Level
 */

/** The levels by the names that users give them. @type {ReadonlyMap<string, Level>} */
const LEVELS = new Map([
  ['debug', 'debug'],
  ['info', 'info'],
  ['1', 'info'],
  ['true', 'info'],
  ['warn', 'warn'],
  ['warning', 'warn'],
  ['error', 'warn'],
  ['silent', 'warn'],
  ['none', 'warn'],
  ['off', 'warn'],
  ['0', 'warn'],
  ['false', 'warn'],
]);

/** The level that the variable sets; undefined if it sets none. Warns of any other value. */
function levelOf() {
  const name = ownVariables().FLUE_BRAINTRUST_LOG?.trim().toLowerCase() ?? '';
  const level = LEVELS.get(name);
  if (level === undefined && name !== '') {
    warn('BAD_LOG', 'FLUE_BRAINTRUST_LOG is not one of warn, info and debug. It is ignored.');
  }
  return level;
}

module.exports = { LEVELS, levelOf };
