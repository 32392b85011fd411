'use strict';

// The command `drain`: delivers a spool with an exporter of its own.

const { readdirSync } = require('node:fs');
const { setTimeout: delay } = require('node:timers/promises');

const { printable } = require('../collector/text');
const { parse } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { messageOf } = require('../../js/json/describe');
const { counted, lossLines } = require('../support/format');
const {
  destinationOptions,
  destinationUsage,
  planOf,
  readEnvFile,
  settingsOf,
} = require('../support/destination');
const { sendTestTrace } = require('../doctor/test-trace');
const { drawProgress } = require('./progress');
const { relabel } = require('./relabel');
const { filesOfEnded, readSpool } = require('./spool');
const { printJson } = require('../support/terminal');
const { Failure, UsageError } = require('../support/usage');

const DEFAULT_TIMEOUT_S = 60;
const LOOK_EVERY_MS = 100;
/** How long to wait for the last acknowledgement, in milliseconds. */
const CLOSING_MS = 2000;
/** How long to wait for the test trace that proves the key where there is no login, in milliseconds. */
const PROOF_MS = 15_000;
/** The rows that the recorder of this process has adopted. */
const OWN_ROWS = new RegExp(`^[\\da-f]{16}-${process.pid}-.*\\.rows$`);
/** Nothing expires, and nothing is removed to make room. The age is that of the latest date that JavaScript has. */
const UNBOUNDED = { maxAgeMs: 8.64e15, maxBytes: Number.MAX_SAFE_INTEGER };

const usage = `Usage: flue-braintrust drain DIRECTORY [--from DESTINATION] [--timeout S] [--env-file FILE]
                             [--json] [--quiet]

Delivers the rows that ended processes left in the spool in DIRECTORY for the configured destination,
regardless of age. Rows for other destinations, and those of running processes, stay. Spans that the ended
processes left open are closed and marked as interrupted.

With --from, also delivers the rows of another destination to the configured one, for example after a key
was replaced or a server has moved. Before that, a login with the current settings must succeed, or, where
they need no login, a test trace must arrive.

Exit codes: 0 nothing is left to deliver, 1 rows are left, or were lost.

Options:
      --from DESTINATION
                       the fingerprint of another destination, as \`inspect\` lists it, or its first
                       digits; \`all\` for all of them. May be repeated
      --timeout S      the longest duration, in seconds (default ${DEFAULT_TIMEOUT_S})
${destinationUsage}
      --json           print the outcome as JSON
  -q, --quiet          print only what is lost or left, and no progress
  -h, --help           show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = {
  ...destinationOptions,
  from: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
};

/** @typedef {import('../../index.d.ts').Stats} Stats */

/**
 * @param {import('../support/usage').OptionValues} values
 * @param {string} [directory]
 * @returns {Promise<number>}
 */
async function run(values, directory = '') {
  readEnvFile(values);
  const timeoutMs = readTimeout(values.timeout);
  const isQuiet = values.quiet === true;
  const settings = settingsOf({ spool: { dir: directory, ...UNBOUNDED } });
  const { destination } = planOf(settings);
  const from = chosenSources(directory, destination, values.from);
  if (from.length > 0) await takeOver(directory, from, destination, settings);

  const before = shareOf(directory, destination);
  const delivered =
    before.ended.length > 0
      ? await deliver({ directory, settings, timeoutMs, before, isQuiet })
      : NOTHING;
  const after = shareOf(directory, destination);

  const outcome = {
    directory,
    destination,
    ...delivered,
    left: after.waiting,
    others: after.others,
  };
  const isAllGone =
    after.waiting.files === 0 &&
    !hasContent(after.ended) &&
    !after.others.some((share) => from.includes(share.destination));
  const isWell = isAllGone && Object.keys(delivered.lost).length === 0;
  if (values.json === true) printJson(outcome);
  else if (!isQuiet || !isWell) process.stdout.write(report(outcome, hasContent(before.ended)));
  return isWell ? 0 : 1;
}

/**
 * The other destinations that `--from` names. Throws a `UsageError` for one that is not there.
 *
 * @param {string} directory
 * @param {string} destination that of the variables
 * @param {import('../support/usage').OptionValue} given
 * @returns {string[]}
 */
function chosenSources(directory, destination, given) {
  if (!Array.isArray(given)) return [];
  const { shares } = readSpool(directory);
  const others = shares.map((share) => share.destination).filter((name) => name !== destination);
  const chosen = given.flatMap((text) => {
    const wanted = String(text).trim().toLowerCase();
    if (wanted === 'all') return others;
    const matching = others.filter((name) => wanted !== '' && name.startsWith(wanted));
    if (matching.length === 1) return matching;
    if (wanted !== '' && destination.startsWith(wanted)) return [];
    const known = others.length === 0 ? 'there is no other one' : `there is ${others.join(', ')}`;
    const many =
      matching.length > 1
        ? 'is the beginning of several destinations'
        : 'matches no destination here';
    throw new UsageError(`--from: ${String(text)} ${many}; ${known}`);
  });
  return [...new Set(chosen)];
}

/**
 * Assigns what waits for other destinations to that of the settings, if that can be reached.
 *
 * @param {string} directory
 * @param {string[]} from
 * @param {string} destination
 * @param {import('../support/destination').Settings} settings
 */
async function takeOver(directory, from, destination, settings) {
  const { failure, session } = parse(await loadNative().tryConnection(settings));
  // Without an organisation there was no login: only rows prove the key.
  const isProved = session !== null && session.organisation !== null;
  const error =
    failure?.message ?? (isProved ? null : (await sendTestTrace(settings, PROOF_MS)).error);
  if (error !== null) {
    throw new Failure(`nothing was changed, because there is no connection: ${error}`);
  }
  for (const share of readSpool(directory).shares) {
    if (!from.includes(share.destination)) continue;
    try {
      relabel(directory, filesOfEnded(directory, share), destination);
    } catch (error) {
      throw new Failure(
        `the files of ${share.destination} cannot be taken over: ${messageOf(error)}`,
      );
    }
  }
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
    ended: ours === undefined ? [] : filesOfEnded(directory, ours),
    others: others.filter(({ waiting }) => waiting.files > 0),
  };
}

/** Whether some of these files have rows or open spans. @param {string[]} names */
const hasContent = (names) => names.some((name) => /\.(rows|open)$/.test(name));

/**
 * Lets a recorder adopt and deliver what ended processes have left.
 *
 * @param {object} task
 * @param {string} task.directory
 * @param {import('../support/destination').Settings} task.settings
 * @param {number} task.timeoutMs
 * @param {ReturnType<typeof shareOf>} task.before
 * @param {boolean} task.isQuiet without a progress bar
 */
async function deliver({ directory, settings, timeoutMs, before, isQuiet }) {
  const { Recorder } = loadNative();
  const recorder = new Recorder(settings);
  const deadline = Date.now() + timeoutMs;
  const progress = drawProgress(process.stderr, isQuiet ? 0 : before.waiting.rows);
  const awaited = new Set(before.ended);
  const isAwaited = (/** @type {string} */ name) => awaited.has(name) || OWN_ROWS.test(name);
  const isDone = (/** @type {Stats} */ { pending, spooled }) =>
    pending === 0 && spooled === 0 && !readdirSync(directory).some(isAwaited);
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

/**
 * @param {typeof NOTHING & { left: typeof NONE, others: import('../../js/native-types.d.ts').SpoolShare[] }} outcome
 * @param {boolean} hasFound whether ended processes had left rows or open spans
 */
function report({ sent, lost, lastError, left, others }, hasFound) {
  const isNothing = !hasFound && left.files === 0;
  const lines = [
    isNothing ? 'Nothing waits for this destination.' : `Delivered ${counted(sent, 'row')}.`,
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
  if (isNothing && others.length > 0) {
    lines.push(
      'To deliver those, set the variables as they were for the application that left them, or name them with --from.',
    );
  }
  return lines.map((line) => `${printable(line)}\n`).join('');
}

module.exports = { operand: { name: 'DIRECTORY' }, options, run, usage };
