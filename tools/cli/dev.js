'use strict';

// The command `dev`: the collector with its viewer, and an application if one is given, until they are stopped.

const { randomBytes } = require('node:crypto');
const { constants } = require('node:os');
const { setTimeout: delay } = require('node:timers/promises');

const { printable, shorten } = require('../collector/text');
const { INCLUDE_PROCESS_ENV } = require('../support/cloudflare');
const { encoded } = require('../support/encoded');
const { counted, formatCount } = require('../support/format');
const { isLoopback } = require('../support/loopback');
const { onReaderGone } = require('../support/output');
const { DEFAULT_PORT, OTHER_PORTS } = require('../support/ports');
const { UsageError } = require('../support/usage');
const { withoutKeys } = require('../support/without-keys');
const { startApplication } = require('./application');
const { openBrowser } = require('./browser');
const { devVarsWarning, exportLines, variablesOf } = require('./dev-variables');
const { feedbackLine } = require('./feedback-line');
const { listen } = require('./listen');
const { givenPort } = require('./port');
const { onStopRequest } = require('./stop-requests');
const { TracePrinter } = require('./trace-printer');
const { Problems, warn } = require('./warnings');

const DEFAULT_HOST = '127.0.0.1';
/** How many traces are kept without `--keep`, and how many bytes of rows with or without it. */
const DEFAULT_KEEP = 5_000;
const KEPT_BYTES = 512 * 1024 * 1024;
/** The most columns of the command that are printed. */
const MAX_COMMAND = 80;
/** How long nothing may arrive before the last traces are shown, and how long this is waited for, in milliseconds. */
const [QUIET_MS, MAX_WAIT_MS] = [250, 2000];

const usage = `Usage: flue-braintrust dev [options] [-- COMMAND [ARGUMENTS]]

Starts a local collector that implements Braintrust's protocol, with a viewer at the address that it
prints. Prints each finished trace as a tree with a link, or as one line if it is large or was printed
before, and each piece of feedback as one line. Warns of rows that break the protocol. Ctrl-C ends it; it
then prints how many traces it has collected and kept.

With a COMMAND, starts that, too, with the variables that send its traces to the collector, and ends with
it. Ctrl-C ends the command first. After five seconds, or at a second Ctrl-C, the command and all
processes that it has started are killed. The exit code is that of the command: 128 plus the number of
the signal that ended it, 127 if there is no such program, 126 if it cannot be executed.

If other machines can reach the host, the viewer needs the token in the printed address, and applications
need the token as their API key.

Options:
  -p, --port N     the port; 0: any free one (default ${DEFAULT_PORT}, or the first free one up to ${OTHER_PORTS.at(-1)})
      --host H     the address to listen on (default ${DEFAULT_HOST})
      --file FILE  store all rows in FILE, as JSON lines, and load those that it has. A file of other
                   content is refused, and not changed
      --clear      empty FILE first
      --keep N     keep the N traces that changed last (default ${DEFAULT_KEEP}), up to 512 MiB of rows
  -o, --open       open the viewer in the browser (in the program that BROWSER names, if set)
      --stay       when the command ends, continue until Ctrl-C
  -q, --quiet      print no traces
  -h, --help       show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = {
  port: { type: 'string', short: 'p' },
  host: { type: 'string' },
  file: { type: 'string' },
  clear: { type: 'boolean' },
  keep: { type: 'string' },
  open: { type: 'boolean', short: 'o' },
  stay: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
};

/** @typedef {import('../collector/types').Collector} Collector */
/** @typedef {Awaited<ReturnType<typeof startApplication>>} Application */

/**
 * Serves until it is stopped, or until the application ends.
 *
 * @param {import('../support/usage').OptionValues} values
 * @param {string} [_operand]
 * @param {string[]} [program] the application
 * @returns {Promise<number>} the exit code of the application; 0 without one
 */
async function run(values, _operand, program) {
  const port = givenPort(values.port, 0);
  if (values.file === '') throw new UsageError('--file must be a path');
  const host = String(values.host ?? DEFAULT_HOST);
  if (host.trim() === '') throw new UsageError('--host must be an address or a name');
  if (values.stay === true && program === undefined)
    throw new UsageError('--stay is for a command');
  const keep = { traces: readKeep(values.keep), bytes: KEPT_BYTES };
  const token = isLoopback(host) ? undefined : randomBytes(16).toString('hex');
  const stop = new Stop();

  const { collector, moved } = await listen({
    host,
    ...(port !== undefined && { port }),
    ...(typeof values.file === 'string' && { file: values.file }),
    clear: values.clear === true,
    keep,
    ...(token !== undefined && { apiKey: token, token }),
  });
  try {
    stop.isServing = true;
    if (moved !== undefined) warn(moved);
    const page = token === undefined ? `${collector.url}/` : `${collector.url}/?token=${token}`;
    const printer = new TracePrinter((id) => `${page}#/trace/${encoded(id)}`);
    const isQuiet = values.quiet === true;
    if (!isQuiet) {
      collector.on('trace', (trace) => printer.print(trace));
      collector.on('feedback', (feedback) => process.stdout.write(feedbackLine(feedback)));
    }
    const problems = new Problems();
    collector.on('problem', (problem) => problems.report(problem));
    for (const problem of collector.problems) problems.report(problem);
    if (token !== undefined) {
      warn(
        `other machines can reach ${host}; whoever has the token below can read and send traces`,
      );
    }
    const variables = variablesOf(collector, token);
    process.stdout.write(greeting(token === undefined ? collector.url : page, variables, program));
    const hidden = devVarsWarning(variables);
    if (hidden !== undefined) warn(hidden);
    if (values.open === true) {
      openBrowser(page, () => warn(`the browser could not be opened; open ${page}`));
    }
    const code = await serve(stop, program, variables, values.stay === true);
    if (program !== undefined) await quietness(collector);
    const pending = isQuiet ? [] : collector.pendingTraces();
    await collector.close();
    // What a trace lacks may still come until the end.
    for (const problem of problemsOf(collector.traces())) problems.report(problem);
    problems.flush();
    for (const trace of pending) printer.print(trace);
    // One that ends with an error, and by no signal, has a reason of its own.
    const hasFailed = code > 0 && code < 128;
    const isSilent = program !== undefined && !hasFailed && collector.requestCount === 0;
    if (!isQuiet) process.stdout.write(farewell(collector, isSilent));
    return code;
  } finally {
    await collector.close();
  }
}

/** @param {import('../support/usage').OptionValue} value @returns {number} how many traces are kept */
function readKeep(value) {
  if (value === undefined) return DEFAULT_KEEP;
  if (typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new UsageError(`--keep must be a number of traces, 1 or more, but is ${String(value)}`);
}

/** The user's wish to stop. */
class Stop {
  /** What is stopped first. @type {Application | undefined} */
  application;
  /** Resolves at the first request. */
  requested;
  isRequested = false;
  /** Whether the collector listens: until then there is nothing to end well. */
  isServing = false;
  /** @type {() => void} */
  request = () => {};

  constructor() {
    /** @type {Promise<void>} */
    this.requested = new Promise((resolve) => {
      this.request = () => {
        this.isRequested = true;
        resolve();
      };
    });
    onStopRequest((signal, isFirst) => {
      if (!this.isServing) process.exit(128 + constants.signals[signal]);
      // The collector closes at once; should it hang, a second request ends the program.
      if (!isFirst && this.application === undefined) process.exit(1);
      if (!isFirst) this.application?.kill();
      else this.application?.stop(signal);
      this.request();
    });
  }

  /** @param {Application} application */
  take(application) {
    this.application = application;
    // The wish came while it started.
    if (this.isRequested) application.stop('SIGTERM');
  }
}

/**
 * Waits for the end: of the application, or the user's wish.
 *
 * @param {Stop} stop
 * @param {string[] | undefined} program the application
 * @param {Record<string, string>} variables that point it at the collector
 * @param {boolean} stays whether the end of the application is not the end
 * @returns {Promise<number>} the exit code
 */
async function serve(stop, program, variables, stays) {
  if (program === undefined) {
    onReaderGone(() => stop.request());
    await stop.requested;
    return 0;
  }
  if (stop.isRequested) return 0;
  const application = await startApplication(program, {
    ...process.env,
    ...INCLUDE_PROCESS_ENV,
    ...variables,
  });
  stop.take(application);
  const code = await application.ended;
  stop.application = undefined;
  const { survivors } = application;
  if (survivors.length > 0) warn(`these processes cannot be killed: ${survivors.join(', ')}`);
  else if (application.isKilled) warn('the application did not end, and was killed');
  else if (code !== 0 && !stop.isRequested) warn(`the application ended with exit code ${code}`);
  if (stays && !stop.isRequested) {
    process.stdout.write('The application has ended. Its traces can be seen until Ctrl-C.\n');
    await stop.requested;
  }
  return code;
}

/**
 * Waits until nothing arrives any more: processes that the application has started may end after it.
 *
 * @param {Collector} collector
 */
async function quietness(collector) {
  const deadline = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const before = collector.requestCount;
    if (collector.pendingTraces().length === 0 || performance.now() > deadline) return;
    await delay(QUIET_MS);
    if (collector.requestCount === before) return;
  }
}

/**
 * @param {string} page
 * @param {Record<string, string>} variables
 * @param {string[]} [program]
 * @returns {string}
 */
function greeting(page, variables, program) {
  const first = `Collecting traces until Ctrl-C. Open ${page} to see them.`;
  if (program !== undefined)
    return `${first}\nStarting ${shorten(printable(withoutKeys(program.join(' '))), MAX_COMMAND)}\n\n`;
  return [
    `${first} In the shell of your application:`,
    '',
    ...exportLines(variables),
    '',
    'Or start it here: npx flue-braintrust dev -- npm run dev',
    '',
    '',
  ].join('\n');
}

/** The problems of traces as they are now. @param {ReturnType<Collector['traces']>} traces */
const problemsOf = (traces) => traces.flatMap(({ problems }) => problems);

/**
 * @param {Collector} collector
 * @param {boolean} isSilent whether an application ran and sent nothing
 * @returns {string}
 */
function farewell(collector, isSilent) {
  const traces = collector.traces();
  const spans = traces.reduce((total, trace) => total + trace.spans.length, 0);
  const { collected } = collector;
  const facts = [
    collectedAndKept(collected.traces, traces.length, 'trace'),
    collectedAndKept(collected.spans, spans, 'span'),
    counted(collector.requestCount, 'request'),
    counted(collector.problemCount + problemsOf(traces).length, 'problem'),
  ];
  const hint = isSilent
    ? 'Nothing arrived. Does the application call `initLogger`, or set its options in code? `npx flue-braintrust doctor` checks the project.\n'
    : '';
  return `${hint}Collected ${facts.join(', ')}.\n`;
}

/**
 * @param {number} collected since the start
 * @param {number} kept of these, and of a file
 * @param {string} noun
 */
function collectedAndKept(collected, kept, noun) {
  return counted(collected, noun) + (kept === collected ? '' : ` (${formatCount(kept)} kept)`);
}

module.exports = { options, run, startsProgram: true, usage };
