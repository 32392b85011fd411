'use strict';

// The commands of the program, and the help about them.

/**
 * A command of the program. `load` is called only when the command runs, so that no command pays for
 * what another needs.
 *
 * @typedef {object} Command
 * @property {string} summary one line for the list of commands
 * @property {string[]} examples command lines, each with what it does after a `#`
 * @property {() => import('../support/usage').CommandModule} load
 */

/** @type {Map<string, Command>} */
const COMMANDS = new Map([
  [
    'dev',
    {
      summary: 'start a local collector and viewer, and optionally an application',
      examples: [
        'dev -- npm run dev           # collector and application in one terminal',
        'dev --open -- node app.mjs   # also opens the viewer in the browser',
        'dev --file traces.ndjson     # keeps the traces for the next start',
      ],
      load: () => require('./dev'),
    },
  ],
  [
    'init',
    {
      summary: 'add tracing to the Flue project in this directory',
      examples: [
        'init            # in this directory',
        'init --dry-run  # shows what would change',
      ],
      load: () => require('./init'),
    },
  ],
  [
    'doctor',
    {
      summary: 'check each step of delivery, and print what is wrong',
      examples: [
        'doctor                  # with the variables of this shell',
        'doctor --env-file .env  # also with those of a file',
        'doctor --json           # for programs',
      ],
      load: () => require('./doctor'),
    },
  ],
  [
    'inspect',
    {
      summary: 'list what a spool directory holds, without content',
      examples: [
        'inspect .flue-braintrust         # for people',
        'inspect /var/spool/app --json    # for programs',
      ],
      load: () => require('./inspect'),
    },
  ],
  [
    'drain',
    {
      summary: 'deliver what a spool directory holds',
      examples: [
        'drain .flue-braintrust --env-file .env       # the rows for the destination in .env',
        'drain .flue-braintrust --from 0f3a           # those for another one, such as an old key',
        'drain .flue-braintrust --from all --timeout 300',
      ],
      load: () => require('./drain'),
    },
  ],
  [
    'replay',
    {
      summary: 'turn a file of recorded Flue events into a trace',
      examples: [
        'replay observations.ndjson --local          # to `flue-braintrust dev`',
        'replay observations.ndjson --project Bugs   # to a project in Braintrust',
      ],
      load: () => require('./replay'),
    },
  ],
  [
    'top',
    {
      summary: 'watch the counters of a running application',
      examples: [
        'top         # the application that was started with FLUE_BRAINTRUST_TOP=1',
        'top 4711    # the one with this process id',
        'top --once  # the counters now',
      ],
      load: () => require('./top'),
    },
  ],
]);

/** The help of the program. */
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
    'Exit codes: 0 success, 1 failure, 2 wrong usage; of `dev -- COMMAND`, that of COMMAND.',
    '',
    'Options:',
    '  -h, --help     show this help, or that of a command',
    '  -v, --version  show the version',
    '',
    examples([
      'dev -- npm run dev   # shows the traces of an application, without an account',
      'doctor               # finds out why no trace arrives',
      'help drain           # explains a command',
    ]),
  ].join('\n');
}

/**
 * The help of a command.
 *
 * @param {Command} command
 */
const helpOf = (command) => `${command.load().usage}\n${examples(command.examples)}`;

/**
 * The form of a command: what is shown of its help beside a mistake, which must stay in sight.
 *
 * @param {string} name
 * @param {Command} command
 */
function synopsisOf(name, command) {
  const [form] = command.load().usage.split('\n\n');
  return `${form}\n\n\`npx flue-braintrust help ${name}\` explains it.\n`;
}

/** @param {string[]} lines */
function examples(lines) {
  return ['Examples:', ...lines.map((line) => `  npx flue-braintrust ${line}`), ''].join('\n');
}

module.exports = { COMMANDS, helpOf, synopsisOf, usage };
