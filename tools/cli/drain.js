'use strict';

// The command `drain`: delivers a spool with an exporter of its own.

const { setTimeout: delay } = require('node:timers/promises');

const { parse } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { counted, lossLines } = require('../support/format');
const {
  destinationOptions,
  destinationUsage,
  planOf,
  readEnvFile,
  settingsOf,
} = require('../support/destination');
const { drawProgress } = require('./progress');
const { readSpool } = require('./spool');
const { printJson } = require('../support/terminal');
const { UsageError } = require('../support/usage');

const DEFAULT_TIMEOUT_S = 60;
const LOOK_EVERY_MS = 100;
/** How long to wait for the last acknowledgement, in milliseconds. */
const CLOSING_MS = 2000;
/** Rows of any age are delivered: the latest date that JavaScript has. */
const ANY_AGE_MS = 8.64e15;

const usage = `Usage: flue-braintrust drain DIRECTORY [--timeout S] [--env-file FILE] [--json]

Delivers what ended processes left in the spool in DIRECTORY for the destination that the variables name,
however old it is. What is there for other destinations, and what living processes keep there, is left
alone. Spans that the ended processes left open are closed and marked as interrupted.

Exit codes: 0 nothing is left for this destination, 1 something is.

Options:
      --timeout S      how long to try at most, in seconds (default ${DEFAULT_TIMEOUT_S})
${destinationUsage}
      --json           print the outcome as JSON
  -h, --help           show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = { ...destinationOptions, timeout: { type: 'string' }, json: { type: 'boolean' } };

/** @typedef {import('../../index.d.ts').Stats} Stats */

/**
 * @param {import('../support/usage').OptionValues} values
 * @param {string} [directory]
 * @returns {Promise<number>}
 */
async function run(values, directory = '') {
  readEnvFile(values);
  const timeoutMs = readTimeout(values.timeout);
  const settings = settingsOf({ spool: { dir: directory, maxAgeMs: ANY_AGE_MS } });
  const { destination } = planOf(settings);
  const before = shareOf(directory, destination);
  const delivered =
    before.waiting.files + before.openRecords === 0
      ? NOTHING
      : await deliver(settings, before.waiting.rows, timeoutMs);
  const after = shareOf(directory, destination);

  const outcome = {
    directory,
    destination,
    ...delivered,
    left: after.waiting,
    others: after.others,
  };
  if (values.json === true) printJson(outcome);
  else process.stdout.write(report(outcome, before.waiting.files + before.openRecords));
  const isAllGone = after.waiting.files === 0 && before.openRecords >= after.openRecords;
  return isAllGone && Object.keys(delivered.lost).length === 0 ? 0 : 1;
}

/** @param {import('../support/usage').OptionValue} text */
function readTimeout(text) {
  const seconds = text === undefined ? DEFAULT_TIMEOUT_S : Number(text);
  if (!(seconds > 0)) throw new UsageError(`--timeout must be a number of seconds, but is ${text}`);
  return seconds * 1000;
}

/** @type {import('../../js/native-types.d.ts').SpoolSegments} */
const NONE = Object.freeze({ files: 0, rows: 0, bytes: 0, oldest: null, newest: null });
/** @type {Pick<Stats, 'sent' | 'lost' | 'lastError'>} */
const NOTHING = Object.freeze({ sent: 0, lost: {}, lastError: null });

/**
 * What the spool holds for a destination, and for others.
 *
 * @param {string} directory
 * @param {string} destination
 */
function shareOf(directory, destination) {
  const { shares } = readSpool(directory);
  const others = shares.filter((share) => share.destination !== destination);
  const ours = shares.find((share) => share.destination === destination);
  return {
    waiting: ours?.waiting ?? NONE,
    openRecords: ours?.openRecords ?? 0,
    others: others.filter(({ waiting }) => waiting.files > 0),
  };
}

/**
 * Lets a recorder adopt and deliver the spool.
 *
 * @param {import('../support/destination').Settings} settings
 * @param {number} rows how many there are, for the progress
 * @param {number} timeoutMs
 */
async function deliver(settings, rows, timeoutMs) {
  const { Recorder } = loadNative();
  const recorder = new Recorder(settings);
  const deadline = Date.now() + timeoutMs;
  const progress = drawProgress(process.stderr, rows);
  /** @type {Stats} */
  let stats;
  let isRefused = false;
  do {
    await delay(LOOK_EVERY_MS);
    stats = parse(recorder.stats());
    progress.draw(stats.sent);
    isRefused = parse(recorder.takeDiagnostics()).some(
      ({ code }) => code === 'FLUE_BRAINTRUST_REFUSED',
    );
  } while (!isRefused && Date.now() < deadline && !isDone(stats));
  const { sent, lost, lastError } = parse(await recorder.close(isDone(stats) ? CLOSING_MS : 0));
  progress.clear();
  return { sent, lost, lastError };
}

/** @param {Stats} stats */
const isDone = ({ accepted, pending, spooled, openSpans }) =>
  pending === 0 && spooled === 0 && accepted + openSpans > 0;

/**
 * @param {typeof NOTHING & { left: typeof NONE, others: import('../../js/native-types.d.ts').SpoolShare[] }} outcome
 * @param {number} found
 */
function report({ sent, lost, lastError, left, others }, found) {
  const lines = [
    found === 0 ? 'Nothing waits for this destination.' : `Delivered ${counted(sent, 'row')}.`,
  ];
  lines.push(...lossLines(lost));
  if (left.files > 0) {
    lines.push(`${counted(left.files, 'payload')} with ${counted(left.rows, 'row')} still wait.`);
    lines.push(
      lastError === null ? 'A living process may keep them.' : `The last error: ${lastError}.`,
    );
  }
  for (const { destination, waiting } of others) {
    lines.push(`${counted(waiting.files, 'payload')} for destination ${destination} left alone.`);
  }
  if (found === 0 && others.length > 0) {
    lines.push(
      'To deliver those, set the variables as they were for the application that left them.',
    );
  }
  return `${lines.join('\n')}\n`;
}

module.exports = { operand: { name: 'DIRECTORY' }, options, run, usage };
