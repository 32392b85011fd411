'use strict';

// The command `dev`: the collector with its viewer, until it is stopped.

const { randomBytes } = require('node:crypto');

const { startCollector } = require('../collector');
const { renderTrace } = require('../collector/render');
const { printable } = require('../collector/text');
const { counted } = require('../support/format');
const { isLoopback } = require('../support/loopback');
const { messageOf } = require('../../js/json/json-safe-copy');
const { UsageError } = require('../support/usage');
const { DEFAULT_PORT, readPort } = require('./port');

const DEFAULT_HOST = '127.0.0.1';

/** So many traces are kept without `--keep`, and so many bytes of rows in any case. */
const DEFAULT_KEEP = 5_000;
const KEPT_BYTES = 512 * 1024 * 1024;

const usage = `Usage: flue-braintrust dev [--port N] [--host H] [--file out.ndjson] [--clear] [--keep N]

Starts a local collector that stands in for Braintrust. It shows its traces in a browser, at the
address it prints, and prints each finished trace as a tree. Rows that break the protocol are warned
about. Stop it with Ctrl-C.

With a host that other machines can reach, the viewer needs the token in the printed address, and
applications need it as their key.

Options:
  -p, --port N     port to listen on; 0 takes a free one (default ${DEFAULT_PORT})
      --host H     address to listen on (default ${DEFAULT_HOST})
      --file FILE  keep every incoming row in FILE, as JSON lines; what is in it already is shown, too
      --clear      remove what is in FILE first
      --keep N     show the N traces that changed last (default ${DEFAULT_KEEP}), up to 512 MiB of rows
  -h, --help       show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = {
  port: { type: 'string', short: 'p' },
  host: { type: 'string' },
  file: { type: 'string' },
  clear: { type: 'boolean' },
  keep: { type: 'string' },
};

/**
 * Serves until SIGINT or SIGTERM.
 *
 * @param {import('../support/usage').OptionValues} values
 * @returns {Promise<number>} 0 when it was stopped, 1 when it could not start
 */
async function run(values) {
  const port = readPort(values.port, 0);
  const host = String(values.host ?? DEFAULT_HOST);
  const file = typeof values.file === 'string' ? values.file : undefined;
  const clear = values.clear === true;
  const keep = { traces: readKeep(values.keep), bytes: KEPT_BYTES };
  const token = isLoopback(host) ? undefined : randomBytes(16).toString('hex');
  const stopped = stopSignal();
  leaveWithReader();

  /** @type {import('../collector/types').Collector} */
  let collector;
  try {
    collector = await startCollector({ host, port, file, clear, keep, apiKey: token, token });
  } catch (error) {
    process.stderr.write(`flue-braintrust: ${explainStart(error, host, port)}\n`);
    return 1;
  }
  collector.on('problem', ({ rowId, problem }) => {
    warn(`${rowId === null ? '' : `row ${rowId}: `}${problem}`);
  });
  for (const { problem } of collector.problems) warn(problem);
  collector.on('trace', (trace, updated) => {
    printTrace(trace, updated ? 'updated: ' : '');
  });
  if (token !== undefined) {
    warn(`other machines can reach ${host}; whoever has the token below can read and send traces`);
  }
  process.stdout.write(greeting(collector.url, token));

  await stopped;
  const pending = collector.pendingTraces();
  await collector.close();
  for (const trace of pending) printTrace(trace, trace.finished ? '' : 'still running: ');
  process.stdout.write(farewell(collector));
  return 0;
}

/** @param {import('../support/usage').OptionValue} value @returns {number} how many traces are kept */
function readKeep(value) {
  if (value === undefined) return DEFAULT_KEEP;
  if (typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new UsageError(`--keep must be a number of traces, 1 or more, but is ${String(value)}`);
}

/** @param {string} text may contain values of rows, and so control characters */
function warn(text) {
  process.stderr.write(`warning: ${printable(text)}\n`);
}

/** @returns {Promise<void>} resolves at the first SIGINT or SIGTERM; a second one kills */
function stopSignal() {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

/** Ends the program quietly when the reader of its output (`| head`) has gone. */
function leaveWithReader() {
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/**
 * @param {unknown} error
 * @param {string} host
 * @param {number} port
 * @returns {string}
 */
function explainStart(error, host, port) {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `port ${port} on ${host} is taken, perhaps by another collector; choose one with --port`;
  }
  return `the collector could not start: ${messageOf(error)}`;
}

/**
 * @param {string} url
 * @param {string | undefined} token
 * @returns {string}
 */
function greeting(url, token) {
  const page = token === undefined ? url : `${url}/?token=${token}`;
  return [
    `Collecting traces until Ctrl-C. Open ${page} to see them. In the shell of your application:`,
    '',
    `  export BRAINTRUST_API_KEY=${token ?? 'local'}`,
    `  export BRAINTRUST_APP_URL=${url}`,
    `  export BRAINTRUST_API_URL=${url}`,
    '',
    '',
  ].join('\n');
}

/**
 * @param {import('../collector/types').Trace} trace
 * @param {string} label
 */
function printTrace(trace, label) {
  const terminal = process.stdout.isTTY === true;
  const tree = renderTrace(trace, {
    color: terminal && !process.env.NO_COLOR,
    // Some terminals report a width of 0.
    width: (terminal && process.stdout.columns) || undefined,
  });
  process.stdout.write(`${label}${tree}\n`);
}

/**
 * @param {import('../collector/types').Collector} collector
 * @returns {string} one line
 */
function farewell(collector) {
  const traces = collector.traces();
  const spans = traces.reduce((total, trace) => total + trace.spans.length, 0);
  const facts = [
    counted(traces.length, 'trace'),
    counted(spans, 'span'),
    counted(collector.requestCount, 'request'),
    counted(collector.problemCount, 'problem'),
  ];
  return `Collected ${facts.join(', ')}.\n`;
}

module.exports = { options, run, usage };
