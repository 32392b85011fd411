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
 * @returns {{ values: OptionValues, operand?: string, program?: string[] }} `program`: for a command that starts one;
 *   undefined without a program
 */
function parseArguments(args, { options, operand, startsProgram = false }) {
  /** @type {OptionsConfig} */
  const known = { ...options, help: { type: 'boolean', short: 'h' } };
  const end = startsProgram ? programStart(args, known) : args.length;
  const { values, positionals } = parsed(args.slice(0, end), known, operand !== undefined);
  if (values.help === true) return { values };

  const [first, second] = positionals;
  if (second !== undefined) throw new UsageError(`one argument too many: ${second}`);
  if (operand && !operand.optional && first === undefined) {
    throw new UsageError(`${operand.name} is missing`);
  }
  if (end === args.length) return { values, ...(first !== undefined && { operand: first }) };
  const program = args.slice(args[end] === '--' ? end + 1 : end);
  if (program.length === 0) throw new UsageError('the command after -- is missing');
  return { values, program };
}

/**
 * Where the program begins: at `--`, or at the first word that is not an option: Yarn 1 and PowerShell remove the
 * `--`.
 *
 * @param {string[]} args
 * @param {OptionsConfig} options
 */
function programStart(args, options) {
  const dashes = args.indexOf('--');
  const end = dashes === -1 ? args.length : dashes;
  const before = args.slice(0, end);
  const { tokens } = parseArgs({
    args: before,
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens.find(({ kind }) => kind === 'positional')?.index ?? end;
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
  const [, lacking] = /^Option '(--?[^']*)' argument is ambiguous/.exec(message) ?? [];
  if (lacking !== undefined) {
    const form = lacking.startsWith('--') ? `${lacking}=-x` : `${lacking}-x`;
    return `${lacking} has no value; one that begins with a dash is given as ${form}`;
  }
  const [, option] = /^Unknown option '--?([^']*)'/.exec(message) ?? [];
  // The rest of Node's message is about positional arguments that begin with a dash.
  const problem = (message.split('\n')[0] ?? '').replace(/(^Unknown option '.*?')\. .*/, '$1');
  const meant = option === undefined ? undefined : suggestionFor(option, names);
  return meant === undefined ? problem : `${problem}. Did you mean --${meant}?`;
}

module.exports = { parseArguments };
