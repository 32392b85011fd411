'use strict';

// The command `inspect`: prints the native listing of a spool.

const { counted, formatAge, formatBytes } = require('../support/format');
const { planOf, settingsOf } = require('../support/destination');
const { readSpool } = require('./spool');
const { painter, printJson } = require('../support/terminal');

const usage = `Usage: flue-braintrust inspect DIRECTORY [--json] [--quiet]

Lists the spool in DIRECTORY, without content: for each destination, the waiting payloads, rows and bytes
with their age, damaged files, and the processes that left them. A destination appears as the fingerprint
in its file names; with a key, that of the current settings is marked. Changes nothing, and needs no key.

Exit codes: 0 listed, 1 the directory cannot be read, or a file is damaged.

Options:
      --json   print the list as JSON
  -q, --quiet  print only what is damaged
  -h, --help   show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = { json: { type: 'boolean' }, quiet: { type: 'boolean', short: 'q' } };

/** @typedef {import('../../js/native-types.d.ts').SpoolShare} Share */
/** @typedef {import('../../js/native-types.d.ts').SpoolSegments} Segments */

/**
 * @param {import('../support/usage').OptionValues} values
 * @param {string} [directory]
 * @returns {Promise<number>}
 */
async function run(values, directory = '') {
  const listing = readSpool(directory);
  const { shares, foreign } = listing;
  const hasDamage = (/** @type {Share} */ { damaged }) => damaged.files > 0;
  if (values.json === true) printJson(listing);
  else if (values.quiet === true) {
    process.stdout.write(
      shares
        .filter(hasDamage)
        .map((share) => describe(share))
        .join('\n'),
    );
  } else {
    const texts = shares.filter(hasContent).map((share) => describe(share, currentDestination()));
    if (texts.length === 0) texts.push('The spool is empty.\n');
    if (foreign > 0) texts.push(`${counted(foreign, 'other file')} in the directory.\n`);
    process.stdout.write(texts.join('\n'));
  }
  return shares.some(hasDamage) ? 1 : 0;
}

/**
 * Whether there is anything to list: lock files of ended processes alone are not listed.
 *
 * @param {Share} share
 */
const hasContent = ({ waiting, damaged, unfinished, openRecords, processes }) =>
  waiting.files + damaged.files + unfinished + openRecords > 0 ||
  processes.some(({ runs }) => runs);

/**
 * The destination of the variables, if they are complete.
 *
 * @returns {string | undefined}
 */
function currentDestination() {
  try {
    return planOf(settingsOf()).destination;
  } catch {
    return undefined;
  }
}

/**
 * @param {Share} share
 * @param {string} [current] the destination of the variables
 */
function describe(share, current) {
  const { destination, waiting, damaged, unfinished, openRecords, processes } = share;
  const paint = painter(process.stdout);
  const alive = processes.filter(({ runs }) => runs);
  const lines = [
    paint('bold', `destination ${destination}`) +
      (destination === current ? ', that of the variables' : ''),
    `  waiting   ${amount(waiting)}`,
    ...(damaged.files > 0 ? [`  ${paint('red', 'damaged')}   ${amount(damaged)}`] : []),
    ...(unfinished > 0 ? [`  unfinished  ${counted(unfinished, 'file')}`] : []),
    ...(openRecords > 0 ? [`  open      spans of ${processCount(openRecords)}`] : []),
    `  left by   ${processCount(processes.length - alive.length)} that ended`,
    ...(alive.length > 0 ? [`  in use by ${alive.map(({ pid }) => pid).join(', ')}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** @param {number} count */
const processCount = (count) => `${count} process${count === 1 ? '' : 'es'}`;

/** @param {Segments} segments */
function amount({ files, rows, bytes, oldest, newest }) {
  if (files === 0) return 'nothing';
  const size = [counted(files, 'payload'), counted(rows, 'row'), formatBytes(bytes)].join(', ');
  if (oldest === null || newest === null) return size;
  const [first, last] = [formatAge(oldest), formatAge(newest)];
  return `${size}; written ${first === last ? first : `${first} to ${last}`}`;
}

module.exports = { operand: { name: 'DIRECTORY' }, options, run, usage };
