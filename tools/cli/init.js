'use strict';

// The command `init`: writes what tools/init has planned.

const { rmSync } = require('node:fs');
const path = require('node:path');

const { printable } = require('../collector/text');
const { unifiedDiff } = require('../init/diff');
const { development, executed } = require('../init/packages');
const { createFile, replaceFile } = require('../init/write');
const { planInit } = require('../init/plan');
const { NoProject, readProject } = require('../init/project');
const { messageOf } = require('../../js/json/describe');
const { painter, printJson } = require('../support/terminal');
const { Failure } = require('../support/usage');
const { withoutKeys } = require('../support/without-keys');

const usage = `Usage: flue-braintrust init [DIRECTORY] [--flue-run] [--dry-run] [--json]

Adds tracing to the Flue project in DIRECTORY (default: the working directory), as Flue's guide does:
creates braintrust.ts in the source root (the first of .flue/, src/ and the project directory that
exists), imports it in app.ts, and adds the variables to .env.example, if there is one. In a module that
uses the \`braintrust\` package, changes the import and, on Flue 1.0-beta and 2, the registration to
\`instrument\`. Changes nothing else; a second run changes nothing.

Installs nothing; prints the commands to run.

Options:
      --flue-run  on Flue 2, also import the module in the agents: \`flue run\` loads no app.ts
      --dry-run   show what would change, and change nothing
      --json      print the outcome as JSON, with the diffs
  -h, --help      show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = {
  'dry-run': { type: 'boolean' },
  'flue-run': { type: 'boolean' },
  json: { type: 'boolean' },
};

/** @typedef {import('../init/plan').Plan} Plan */
/** @typedef {import('../init/changes').Change} Change */

/**
 * @param {import('../support/usage').OptionValues} values
 * @param {string} [directory]
 * @returns {Promise<number>}
 */
async function run(values, directory = '.') {
  const project = projectIn(directory);
  const plan = planInit(project, { flueRun: values['flue-run'] === true });
  const dryRun = values['dry-run'] === true;
  if (!dryRun) write(project.root, plan.changes);
  if (values.json === true) printJson(outcome(plan, dryRun));
  else process.stdout.write(report(plan, project, dryRun));
  return 0;
}

/**
 * @param {string} directory
 * @returns {import('../init/project').Project}
 */
function projectIn(directory) {
  try {
    return readProject(directory);
  } catch (error) {
    if (!(error instanceof Failure) || error instanceof NoProject) throw error;
    throw new Failure(`${error.message}. Nothing was changed.`);
  }
}

/**
 * Writes all files, or none: those that are written before one that cannot be get back what they had.
 *
 * @param {string} root
 * @param {Change[]} changes
 */
function write(root, changes) {
  /** @type {Change[]} */
  const written = [];
  for (const change of changes) {
    try {
      put(root, change.path, change.before, change.after);
      written.push(change);
    } catch (error) {
      const left = written.filter((one) => !isUndone(root, one)).map(({ path: name }) => name);
      const others = left.length === 0 ? 'Nothing was changed.' : `Written: ${left.join(', ')}.`;
      throw new Failure(`${change.path} cannot be written: ${messageOf(error)}. ${others}`);
    }
  }
}

/**
 * @param {string} root
 * @param {string} name
 * @param {string | undefined} before undefined: there is no such file
 * @param {string | undefined} after undefined: there is to be none
 */
function put(root, name, before, after) {
  const file = path.join(root, name);
  if (after === undefined) rmSync(file);
  else if (before === undefined) createFile(file, after);
  else replaceFile(file, after);
}

/** @param {string} root @param {Change} change @returns {boolean} whether the file is as it was */
function isUndone(root, { path: name, before, after }) {
  try {
    put(root, name, after, before);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {Plan} plan
 * @param {boolean} dryRun
 */
function outcome({ changes, commands, notes, byHand }, dryRun) {
  const files = changes.map(({ path: name, before, after }) => ({
    path: name,
    action: before === undefined ? 'create' : 'change',
    diff: diffOf({ path: name, before, after }),
  }));
  return { dryRun, files, commands, notes: [...byHand, ...notes] };
}

/**
 * @param {Plan} plan
 * @param {import('../init/project').Project} project
 * @param {boolean} dryRun
 */
function report({ changes, commands, notes, byHand }, project, dryRun) {
  const { root, packageManager } = project;
  const files = dryRun ? changes.map(drawDiff) : changes.map(drawLine);
  const isDone = changes.length + byHand.length === 0;
  const done = isDone ? ['Nothing to change: the project is set up.\n'] : files;
  const allNotes = [...byHand, ...notes];
  const ours = (/** @type {string} */ command) =>
    executed(packageManager, `flue-braintrust ${command}`);
  const next = [...commands, ours('doctor')].map((command) => `  ${command}\n`);
  // In the root of a workspace, the commands would do something else.
  const place = path.relative('.', root);
  return [
    ...done,
    ...(allNotes.length > 0 ? ['\n', ...allNotes.map((note) => `Note: ${printable(note)}\n`)] : []),
    `\nNext, ${place === '' ? '' : `in ${printable(place)}, `}with BRAINTRUST_API_KEY set:\n\n`,
    ...next,
    `\nWithout an account: ${ours(`dev -- ${development(project)}`)}\n`,
  ].join('');
}

/** @param {Change} change */
function drawLine({ path: name, before }) {
  const paint = painter(process.stdout);
  const done = before === undefined ? paint('green', 'created') : paint('yellow', 'changed');
  return `${done} ${printable(name)}\n`;
}

/** The lines around a change may have a key. @param {Change} change */
function diffOf({ path: name, before, after }) {
  return withoutKeys(unifiedDiff(name, before, after));
}

/** @param {Change} change */
function drawDiff(change) {
  const paint = painter(process.stdout);
  const styles = /** @type {const} */ ({ '+': 'green', '-': 'red', '@': 'cyan' });
  return diffOf(change)
    .split(/(?<=\n)/)
    .map((line) => {
      const style = styles[/** @type {keyof typeof styles} */ (line.charAt(0))];
      return style === undefined ? line : paint(style, line);
    })
    .join('');
}

module.exports = { operand: { name: 'DIRECTORY', optional: true }, options, run, usage };
