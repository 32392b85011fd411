#!/usr/bin/env node
'use strict';

// The program `flue-braintrust`: finds the command, and loads nothing else.

const { parseArgs } = require('node:util');

const { Failure, UsageError } = require('./support/usage');
const { version } = require('../package.json');

/**
 * A command of the program. `load` is called only when the command runs, so that no command pays for
 * what another needs.
 *
 * @typedef {object} Command
 * @property {string} summary one line for the list of commands
 * @property {() => import('./support/usage').CommandModule} load
 */

/** @type {Map<string, Command>} */
const COMMANDS = new Map([
  [
    'dev',
    {
      summary: 'start a local collector and print each finished trace',
      load: () => require('./cli/dev'),
    },
  ],
  [
    'init',
    {
      summary: 'add tracing to the Flue project in this directory',
      load: () => require('./cli/init'),
    },
  ],
  [
    'doctor',
    {
      summary: 'check, step by step, whether traces arrive, and say what is wrong',
      load: () => require('./cli/doctor'),
    },
  ],
  [
    'inspect',
    {
      summary: 'list what a spool directory holds, without its content',
      load: () => require('./cli/inspect'),
    },
  ],
  [
    'drain',
    {
      summary: 'deliver what a spool directory holds',
      load: () => require('./cli/drain'),
    },
  ],
  [
    'replay',
    {
      summary: 'turn a file of recorded Flue events into a trace',
      load: () => require('./cli/replay'),
    },
  ],
]);

/** @returns {string} */
function usage() {
  const width = Math.max(...[...COMMANDS.keys()].map((name) => name.length));
  const commands = [...COMMANDS].map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  );
  return [
    'Usage: flue-braintrust <command> [options]',
    '',
    'Commands:',
    ...commands,
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong usage.',
    '',
    'Options:',
    '  -h, --help     show this help, or that of a command',
    '  -v, --version  show the version',
    '',
  ].join('\n');
}

/**
 * Runs the program.
 *
 * @param {string[]} args without the interpreter and the script
 * @returns {Promise<number>} exit code: 0 done, 1 failed, 2 wrong usage
 */
async function main(args) {
  const [name = '', ...rest] = args;
  if (name === '-h' || name === '--help') return print(usage());
  if (name === '-v' || name === '--version') return print(`${version}\n`);
  const command = COMMANDS.get(name);
  if (command === undefined) {
    return refuse(name === '' ? 'no command given' : `unknown command: ${name}`, usage());
  }

  const commandModule = command.load();
  try {
    /** @type {import('./support/usage').OptionsConfig} */
    const options = { ...commandModule.options, help: { type: 'boolean', short: 'h' } };
    const { operand } = commandModule;
    /** @type {{ values: import('./support/usage').OptionValues, positionals: string[] }} */
    const { values, positionals } = parseArgs({
      args: rest,
      options,
      allowPositionals: operand !== undefined,
    });
    if (values.help === true) return print(commandModule.usage);
    if (positionals.length > 1) throw new UsageError(`one argument too many: ${positionals[1]}`);
    if (operand && !operand.optional && positionals.length === 0) {
      throw new UsageError(`${operand.name} is missing`);
    }
    return await commandModule.run(values, positionals[0]);
  } catch (error) {
    if (error instanceof Failure) {
      process.stderr.write(`flue-braintrust: ${error.message}\n`);
      return 1;
    }
    if (!isWrongUsage(error)) throw error;
    return refuse(error.message, commandModule.usage);
  }
}

/**
 * @param {unknown} error
 * @returns {error is Error} whether the arguments are to blame
 */
function isWrongUsage(error) {
  if (error instanceof UsageError) return true;
  return (
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS_')
  );
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
 * @param {string} complaint
 * @param {string} help
 * @returns {2}
 */
function refuse(complaint, help) {
  process.stderr.write(`flue-braintrust: ${complaint}\n\n${help}`);
  return 2;
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
