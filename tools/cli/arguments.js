'use strict';

// Parses the arguments of a command.

const { parseArgs } = require('node:util');

const { suggestionFor } = require('../support/suggest');
const { UsageError } = require('../support/usage');

/** @typedef {import('../support/usage').CommandModule} CommandModule */
/** @typedef {import('../support/usage').OptionsConfig} OptionsConfig */
/** @typedef {import('../support/usage').OptionValues} OptionValues */

/**
 * The arguments of a command. Throws a `UsageError` when they are wrong.
 *
 * @param {string[]} args
 * @param {CommandModule} commandModule
 * @returns {{ values: OptionValues, operand?: string, program?: string[] }} `program`: what follows `--`, for a command
 *   that starts one; undefined without `--`
 */
function parseArguments(args, { options, operand, startsProgram = false }) {
  const split = startsProgram ? args.indexOf('--') : -1;
  const own = split === -1 ? args : args.slice(0, split);
  /** @type {OptionsConfig} */
  const known = { ...options, help: { type: 'boolean', short: 'h' } };
  const { values, positionals } = parsed(own, known, operand !== undefined || startsProgram);
  if (values.help === true) return { values };

  const [first, second] = positionals;
  if (operand === undefined && first !== undefined) {
    throw new UsageError(
      `Unexpected argument '${first}'. A command to start stands after \`--\`, as in \`flue-braintrust dev -- npm run dev\``,
    );
  }
  if (second !== undefined) throw new UsageError(`one argument too many: ${second}`);
  if (operand && !operand.optional && first === undefined) {
    throw new UsageError(`${operand.name} is missing`);
  }
  if (split === -1) return { values, ...(first !== undefined && { operand: first }) };
  const program = args.slice(split + 1);
  if (program.length === 0) throw new UsageError('the command after -- is missing');
  return { values, program };
}

/**
 * @param {string[]} args
 * @param {OptionsConfig} options
 * @param {boolean} allowPositionals
 * @returns {{ values: OptionValues, positionals: string[] }}
 */
function parsed(args, options, allowPositionals) {
  try {
    return parseArgs({ args, options, allowPositionals });
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    if (!String(code).startsWith('ERR_PARSE_ARGS_')) throw error;
    throw new UsageError(explained(message, Object.keys(options)));
  }
}

/**
 * @param {string} message of Node
 * @param {string[]} names of the options that there are
 */
function explained(message, names) {
  const [, option] = /^Unknown option '--?([^']*)'/.exec(message) ?? [];
  // The rest of Node's message is about positional arguments that begin with a dash.
  const complaint = (message.split('\n')[0] ?? '').replace(/(^Unknown option '.*?')\. .*/, '$1');
  const meant = option === undefined ? undefined : suggestionFor(option, names);
  return meant === undefined ? complaint : `${complaint}. Did you mean --${meant}?`;
}

module.exports = { parseArguments };
