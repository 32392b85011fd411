'use strict';

// The command `top`: shows the counters of running applications.

const { setTimeout: delay } = require('node:timers/promises');

const { shorten } = require('../collector/text');
const { onReaderGone } = require('../support/output');
const { canRedraw, columnsOf, painter, printJson } = require('../support/terminal');
const { Failure, UsageError } = require('../support/usage');
const { onStopRequest } = require('./stop-requests');
const { drawProcess, fitting } = require('./top-lines');
const { Watched, findSockets } = require('./watched');

const DEFAULT_INTERVAL_S = 1;

const usage = `Usage: flue-braintrust top [PID] [--interval S] [--once] [--json]

Watches the counters of this user's running applications, or of the one with the process id PID: rows per
second (a span takes one or more), rows in memory and in the spool, lost rows, the last error, and the
spans that sampling left out. Ends with Ctrl-C, or with the applications. An application that does not
respond is marked, and shown with its last counters.

An application that is started with FLUE_BRAINTRUST_TOP=1 offers its counters, on a Unix socket that only
its user can open. The value may also be the directory of the sockets, as an absolute path; set the same
value for this command. Not available on Windows.

Exit codes: 0 stopped or ended, 1 there is no such application.

Options:
  -i, --interval S  seconds between two updates (default ${DEFAULT_INTERVAL_S}, at least 0.1)
      --once        print the counters once, without rates
      --json        print the counters once, as JSON
  -h, --help        show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = {
  interval: { type: 'string', short: 'i' },
  once: { type: 'boolean' },
  json: { type: 'boolean' },
};

/**
 * @param {import('../support/usage').OptionValues} values
 * @param {string} [pid]
 * @returns {Promise<number>}
 */
async function run(values, pid) {
  const intervalMs = readInterval(values.interval);
  if (pid !== undefined && !/^\d+$/.test(pid))
    throw new UsageError(`PID must be a number, but is ${pid}`);
  if (process.platform === 'win32') throw new Failure('`top` does not work on Windows');

  /** @type {Map<string, InstanceType<typeof Watched>>} */
  const watched = new Map();
  await look(watched, pid);
  const all = [...watched.values()];
  const known = all.filter(({ last }) => last !== undefined);
  if (known.length === 0) {
    for (const one of all) one.close();
    throw new Failure(whyNone(all, pid));
  }
  if (values.json === true || values.once === true) {
    if (values.json === true) printJson({ processes: known.map(({ last }) => last?.report.raw) });
    else process.stdout.write(frame(all).join(''));
    for (const one of all) one.close();
    return 0;
  }
  await watch(watched, pid, intervalMs);
  return 0;
}

/**
 * @param {InstanceType<typeof Watched>[]} silent those that have not answered
 * @param {string | undefined} pid
 */
function whyNone(silent, pid) {
  if (silent.length > 0) {
    const who = silent.map((one) => one.pid).join(', ');
    return `no answer of process ${who} that can be read: it may be busy or stopped`;
  }
  const who = pid === undefined ? 'no application' : `no application with the process id ${pid}`;
  return `${who} offers its counters; start it with FLUE_BRAINTRUST_TOP=1`;
}

/** @param {import('../support/usage').OptionValue} text */
function readInterval(text) {
  const seconds = text === undefined ? DEFAULT_INTERVAL_S : Number(text);
  if (!(seconds >= 0.1 && seconds <= 3600)) {
    throw new UsageError(`--interval must be a number of seconds from 0.1 to 3600, but is ${text}`);
  }
  return seconds * 1000;
}

/**
 * Finds new applications, and asks all for their counters. Those that have ended are removed.
 *
 * @param {Map<string, InstanceType<typeof Watched>>} watched by their sockets
 * @param {string} [pid]
 */
async function look(watched, pid) {
  for (const socket of findSockets(pid)) {
    if (!watched.has(socket)) watched.set(socket, new Watched(socket));
  }
  await Promise.all(
    [...watched].map(async ([socket, one]) => {
      if (!(await one.ask())) watched.delete(socket);
    }),
  );
}

/**
 * @param {Map<string, InstanceType<typeof Watched>>} watched
 * @param {string | undefined} pid
 * @param {number} intervalMs
 */
async function watch(watched, pid, intervalMs) {
  const stop = new AbortController();
  onStopRequest(() => stop.abort());
  onReaderGone(() => stop.abort());
  let drawn = 0;
  while (watched.size > 0 && !stop.signal.aborted) {
    const lines = frame([...watched.values()], rowsOf(process.stdout));
    process.stdout.write((drawn > 0 ? `\u001b[${drawn}A\u001b[J` : '') + lines.join(''));
    if (canRedraw(process.stdout)) drawn = lines.length;
    await delay(intervalMs, undefined, { signal: stop.signal }).catch(() => {});
    if (!stop.signal.aborted) await look(watched, pid);
  }
  for (const one of watched.values()) one.close();
  if (!stop.signal.aborted) process.stdout.write('All have ended.\n');
}

/**
 * @param {InstanceType<typeof Watched>[]} watched
 * @param {number} [height] the most lines
 * @returns {string[]} lines that fit the terminal, so that they can be drawn again
 */
function frame(watched, height = Infinity) {
  const width = columnsOf(process.stdout) ?? Infinity;
  const paint = painter(process.stdout);
  return fitting(
    watched.toSorted((a, b) => a.pid - b.pid).flatMap((one) => drawProcess(one)),
    height,
  ).map(({ text, style }) => {
    const line = shorten(text, width);
    return `${style === undefined ? line : paint(style, line)}\n`;
  });
}

/**
 * The lines of a terminal for a frame: what scrolls away cannot be drawn over.
 *
 * @param {NodeJS.WriteStream} stream
 */
function rowsOf(stream) {
  // The last line is that of the cursor.
  return canRedraw(stream) && stream.rows > 0 ? Math.max(1, stream.rows - 1) : Infinity;
}

module.exports = { operand: { name: 'PID', optional: true }, options, run, usage };
