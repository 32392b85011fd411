#!/usr/bin/env node
'use strict';

// The program `flue-braintrust`: finds the command, and loads nothing else.

const { COMMANDS, helpOf, synopsisOf, usage } = require('./cli/commands');
const { parseArguments } = require('./cli/arguments');
const { printable } = require('./collector/text');
const { messageOf } = require('../js/json/describe');
const { tolerateLostOutput } = require('./support/output');
const { suggestionFor } = require('./support/suggest');
const { Failure, UsageError } = require('./support/usage');
const { withoutKeys } = require('./support/without-keys');
const { version } = require('../package.json');

const HELP = new Set(['help', '-h', '--help']);
const VERSION = new Set(['-v', '-V', '--version', 'version']);

/**
 * Runs the program.
 *
 * @param {string[]} args without the interpreter and the script
 * @returns {Promise<number>} exit code: 0 done, 1 failed, 2 wrong usage; of `dev -- COMMAND` that of the command, or 126
 *   and 127 when it cannot be started
 */
async function main(args) {
  const [name = '', ...rest] = args;
  if (VERSION.has(name)) return print(`${version}\n`);
  if (HELP.has(name)) return help(rest.filter((word) => !HELP.has(word)));
  const command = COMMANDS.get(name);
  if (command === undefined) return refuse(unknown(name), usage());

  const commandModule = command.load();
  try {
    const { values, operand, program } = parseArguments(rest, commandModule);
    if (values.help === true) return print(helpOf(command));
    return await commandModule.run(values, operand, program);
  } catch (error) {
    if (error instanceof Failure) {
      printProblem(error.message);
      return error.exitCode;
    }
    if (error instanceof UsageError) return refuse(error.message, synopsisOf(name, command));
    return reportUnexpected(error);
  }
}

/**
 * The help of the program, or of the command that is named.
 *
 * @param {string[]} words
 */
function help([name, another]) {
  if (name === undefined) return print(usage());
  const command = COMMANDS.get(name);
  if (command === undefined) return refuse(unknown(name), usage());
  if (another !== undefined) return refuse(`one argument too many: ${another}`, usage());
  return print(helpOf(command));
}

/** @param {string} name */
function unknown(name) {
  if (name === '') return 'no command given';
  const [kind, candidates] = name.startsWith('-')
    ? ['option', ['--help', '--version', ...[...COMMANDS.keys()].map((command) => `--${command}`)]]
    : ['command', [...COMMANDS.keys(), 'help']];
  // `--dev` means the command.
  const meant = suggestionFor(name, candidates)?.replace(/^--(?!help|version)/, '');
  return `unknown ${kind}: ${name}${meant === undefined ? '' : `. Did you mean ${meant}?`}`;
}

/**
 * @param {string} text
 * @returns {0}
 */
function print(text) {
  process.stdout.write(text);
  return 0;
}

/**
 * @param {string} problem
 * @param {string} help
 * @returns {2}
 */
function refuse(problem, help) {
  printProblem(problem);
  process.stderr.write(`\n${help}`);
  return 2;
}

/** @param {string} problem in which an argument may stand */
function printProblem(problem) {
  process.stderr.write(`flue-braintrust: ${withoutKeys(printable(problem))}\n`);
}

/**
 * What nobody expected: an error of the system, such as a full disk, or a mistake of this program, which is reported with
 * its place.
 *
 * @param {unknown} error
 * @returns {1}
 */
function reportUnexpected(error) {
  const { code, stack, syscall } = /** @type {NodeJS.ErrnoException} */ (error ?? {});
  const place = code === undefined ? /\(?([^\s(]+:\d+:\d+)\)?/.exec(String(stack))?.[1] : undefined;
  const where = place === undefined ? '' : ` (at ${place})`;
  const isGone = syscall === 'uv_cwd';
  const message = isGone ? 'the working directory no longer exists' : messageOf(error);
  printProblem(`${message}${where}`);
  return 1;
}

tolerateLostOutput();
process.on('uncaughtException', (error) => {
  reportUnexpected(error);
  process.exit(1);
});
main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
