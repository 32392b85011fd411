'use strict';

// The errors of commands, and the shape of a command module.

/** Wrong arguments: the program prints the message and the usage, and exits with 2. */
class UsageError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'UsageError';
  }
}

/** An expected failure: the program prints the message in one line, and exits. */
class Failure extends Error {
  /**
   * @param {string} message
   * @param {number} [exitCode] default 1
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** @typedef {NonNullable<import('node:util').ParseArgsConfig['options']>} OptionsConfig */
/** @typedef {string | boolean | (string | boolean)[] | undefined} OptionValue */
/** @typedef {{ [option: string]: OptionValue }} OptionValues */

/**
 * The exports of a command's file. Every command accepts `--help`.
 *
 * @typedef {object} CommandModule
 * @property {string} usage what `--help` shows
 * @property {OptionsConfig} options its options, for `parseArgs`
 * @property {{ name: string, optional?: boolean }} [operand] the one argument that is not an option, if it takes one
 * @property {boolean} [startsProgram] whether a command line of another program may follow `--`
 * @property {(values: OptionValues, operand?: string, program?: string[]) => Promise<number>} run resolves with the exit
 *   code
 */

module.exports = { Failure, UsageError };
