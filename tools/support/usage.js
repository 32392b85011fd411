'use strict';

// How commands fail, and how their arguments are read.

/** Wrong arguments: the program says so, shows the command's usage and exits with 2. */
class UsageError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What was asked for cannot be done: the program says why in one line and exits with 1. */
class Failure extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'Failure';
  }
}

/** @typedef {NonNullable<import('node:util').ParseArgsConfig['options']>} OptionsConfig */
/** @typedef {string | boolean | (string | boolean)[] | undefined} OptionValue */
/** @typedef {{ [option: string]: OptionValue }} OptionValues */

/**
 * What the file of a command exports. `--help` is understood for every command.
 *
 * @typedef {object} CommandModule
 * @property {string} usage what `--help` shows
 * @property {OptionsConfig} options what it understands, for `parseArgs`
 * @property {{ name: string, optional?: boolean }} [operand] the one argument that is no option, if it takes one
 * @property {(values: OptionValues, operand?: string) => Promise<number>} run resolves with the exit code
 */

module.exports = { Failure, UsageError };
