'use strict';

// The command `replay`: exports recorded events.

const { Exporter } = require('../../js/exporter');
const { nodeHost } = require('../../js/node-host');
const { messageOf } = require('../../js/json/describe');
const { readObservations } = require('./observations');
const { printable } = require('../collector/text');
const { counted, lossLines } = require('../support/format');
const {
  destinationOptions,
  destinationUsage,
  planOf,
  readEnvFile,
  settingsOf,
} = require('../support/destination');
const { readPort } = require('./port');
const { LOCAL_KEY, takesKey } = require('../support/local-key');
const { isCollector } = require('../support/port-owner');
const { DEFAULT_PORT } = require('../support/ports');
const { printJson } = require('../support/terminal');
const { Failure, UsageError } = require('../support/usage');

const FLUSH_MS = 60_000;
/** How many events are read before a flush: a recording may be large. */
const EVENTS_AT_ONCE = 500;

const usage = `Usage: flue-braintrust replay FILE [--local [--port N]] [--project NAME] [--env-file FILE]
                              [--json] [--quiet]

Turns recorded Flue events into a trace, with their ids and times: a second replay produces the same trace.
Each line of FILE is JSON: an event or {"event": …}. An application records them with

  observe((event) => fs.appendFileSync('observations.ndjson', JSON.stringify(event) + '\\n'));

The trace goes to the configured destination.

Exit codes: 0 delivered, 1 a row was not delivered, a line was unreadable, or FILE has no event.

Options:
      --local          send it to a local collector, which \`flue-braintrust dev\` starts
      --port N         the port of that collector (default ${DEFAULT_PORT})
      --project NAME   send it to this project
${destinationUsage}
      --json           print the outcome as JSON
  -q, --quiet          print only what is wrong
  -h, --help           show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = {
  ...destinationOptions,
  local: { type: 'boolean' },
  port: { type: 'string', short: 'p' },
  project: { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
};

/**
 * @param {import('../support/usage').OptionValues} values
 * @param {string} [file]
 * @returns {Promise<number>}
 */
async function run(values, file = '') {
  readEnvFile(values);
  const given = {
    ...(await localDestination(values)),
    ...(typeof values.project === 'string' && { projectName: values.project }),
    // A recording must not mix with the spool of the application.
    spool: false,
  };
  const { appUrl, projectName, projectId } = planOf(settingsOf(given));
  if (values.project !== undefined && values.local !== true && projectId !== null) {
    throw new Failure(
      'BRAINTRUST_PROJECT_ID decides the project: unset it, or leave --project out',
    );
  }
  const exporter = new Exporter(nodeHost);
  const destination = exporter.init(given);
  if (!destination.isOn) throw new Failure('nothing was sent: the exporter did not start');
  const read = await feed(exporter, destination, file);
  const { sent, sampled, lost, lastError, complete } = await destination.close({
    timeoutMs: read.stopped ? 0 : FLUSH_MS,
  });

  const outcome = { ...read, sent, sampled, lost, lastError, complete };
  if (values.json === true) printJson(outcome);
  const isWhole =
    complete && read.unreadable === 0 && Object.keys(lost).length === 0 && read.events > 0;
  const isSilent = values.json === true || (values.quiet === true && isWhole);
  if (!isSilent)
    process.stdout.write(report(outcome, file, `${projectId ?? projectName} at ${appUrl}`));
  return isWhole ? 0 : 1;
}

/** @param {import('../support/usage').OptionValues} values */
async function localDestination({ local, port: text }) {
  if (local !== true) {
    if (text !== undefined) throw new UsageError('--port is for --local');
    return {};
  }
  const port = readPort(text, 1);
  if (!(await isCollector('127.0.0.1', port))) {
    throw new Failure(
      `\`flue-braintrust dev\` is not running on port ${port}: start it, or name its port with --port`,
    );
  }
  const url = `http://127.0.0.1:${port}`;
  return { apiKey: await keyFor(url), appUrl: url, apiUrl: url, orgName: 'local' };
}

/** @param {string} url of a local collector */
async function keyFor(url) {
  const given = process.env.BRAINTRUST_API_KEY?.trim() ?? '';
  for (const key of [LOCAL_KEY, given]) if (await takesKey(url, key)) return key;
  throw new Failure(
    `the collector at ${url} needs the token that \`dev\` has printed: set it as BRAINTRUST_API_KEY`,
  );
}

/**
 * @param {InstanceType<typeof Exporter>} exporter
 * @param {ReturnType<InstanceType<typeof Exporter>['init']>} destination
 * @param {string} file
 */
async function feed(exporter, destination, file) {
  let taken = 0;
  try {
    return await readObservations(file, async (event) => {
      exporter.observe(event);
      taken += 1;
      if (taken % EVENTS_AT_ONCE !== 0) return true;
      return (await destination.flush({ timeoutMs: FLUSH_MS })).complete;
    });
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${messageOf(error)}`);
  }
}

/**
 * @param {import('./observations').Observations & Pick<import('../../index.d.ts').Stats, 'sent' | 'sampled' | 'lost' | 'lastError'>} outcome
 * @param {string} file
 * @param {string} where
 */
function report(outcome, file, where) {
  const { events, unreadable, firstUnreadable, stopped, sent, sampled, lost, lastError } = outcome;
  const lines = [`${counted(events, 'event')} read, ${counted(sent, 'row')} sent to ${where}.`];
  if (stopped) lines.push('The rest of the file was not read: what was sent does not arrive.');
  if (sampled > 0) lines.push(`${counted(sampled, 'span')} left out by sampling.`);
  if (events === 0) lines.push(`There is no Flue event in ${file}.`);
  if (firstUnreadable !== null) {
    const { line, why } = firstUnreadable;
    lines.push(`${counted(unreadable, 'line')} could not be read: line ${line} ${why}.`);
  }
  lines.push(...lossLines(lost));
  if (Object.keys(lost).length > 0 && lastError !== null)
    lines.push(`The last error: ${lastError}.`);
  return lines.map((line) => `${printable(line)}\n`).join('');
}

module.exports = { operand: { name: 'FILE' }, options, run, usage };
