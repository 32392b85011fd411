'use strict';

// The command `doctor`. The checks are in tools/doctor.

const { printable } = require('../collector/text');
const { CHECKS } = require('../doctor/checks');
const { destinationUsage, destinationOptions, readEnvFile } = require('../support/destination');
const { painter, printJson } = require('../support/terminal');

const usage = `Usage: flue-braintrust doctor [--env-file FILE] [--json] [--quiet]

Checks each step of delivery, in order, and prints what is wrong and how to correct it: Node, the
application in this directory (one copy of Flue, tracing registered), the native part, the settings and
where each is set, the network, the login, the organisation, the project, the limits. Then sends a trace
of one span and prints its link. Never prints the key.
Options that the application passes to \`initLogger\` take precedence; \`doctor\` does not know them.

Exit codes: 0 a trace has arrived, 1 a check failed.

Options:
${destinationUsage}
      --json           print the findings as JSON
  -q, --quiet          print only what is wrong
  -h, --help           show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = {
  ...destinationOptions,
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
};

/** @typedef {import('../doctor/finding').Finding} Finding */

/** @type {Record<Finding['status'], { sign: string, style: import('../support/terminal').Style }>} */
const LOOKS = {
  ok: { sign: '✓', style: 'green' },
  warning: { sign: '!', style: 'yellow' },
  failed: { sign: '✗', style: 'red' },
  skipped: { sign: '-', style: 'dim' },
};
const TITLE_WIDTH = Math.max(...CHECKS.map(({ title }) => title.length));

/**
 * @param {import('../support/usage').OptionValues} values
 * @returns {Promise<number>} 0 when nothing has failed
 */
async function run(values) {
  const envFile = readEnvFile(values);
  const paint = painter(process.stdout);
  const isQuiet = values.quiet === true;
  const known = envFile === undefined ? {} : { envFile };
  const findings = [];
  for (const { id, title, run: check } of CHECKS) {
    const finding = await check(known);
    findings.push({ id, title, ...finding });
    if (values.json === true) continue;
    if (!isQuiet || isWrong(finding)) process.stdout.write(lines(title, finding, paint, isQuiet));
  }
  const ok = findings.every(({ status }) => status !== 'failed');
  if (values.json === true) printJson({ ok, checks: findings });
  else if (!isQuiet) process.stdout.write(`\n${verdict(findings)}\n`);
  return ok ? 0 : 1;
}

/** @param {Finding} finding */
const isWrong = ({ status }) => status === 'failed' || status === 'warning';

/**
 * The last line: whether traces arrive is what the test trace has shown. It shows nothing of the application.
 *
 * @param {(Finding & { id: string, title: string })[]} findings
 */
function verdict(findings) {
  const failed = findings.filter(({ status }) => status === 'failed').map(({ title }) => title);
  if (findings.at(-1)?.status !== 'ok') return 'Traces do not arrive.';
  if (failed.length > 0) {
    return `The test trace has arrived, but not all is well: ${failed.join(', ')}.`;
  }
  const isDoubtful = (/** @type {string} */ name) =>
    findings.find(({ id }) => id === name)?.status === 'warning';
  if (isDoubtful('application')) {
    return 'The test trace has arrived, but those of the application may not: see Application.';
  }
  return isDoubtful('environment')
    ? 'The test trace has arrived. A setting has a warning: see Settings.'
    : 'Traces arrive.';
}

/**
 * @param {string} title
 * @param {Finding} finding
 * @param {ReturnType<typeof painter>} paint
 * @param {boolean} isQuiet
 */
function lines(title, { status, detail, advice, link, settings = [] }, paint, isQuiet) {
  const { sign, style } = LOOKS[status];
  const indent = ' '.repeat(TITLE_WIDTH + 4);
  const first = `${paint(style, sign)} ${title.padEnd(TITLE_WIDTH)}  `;
  const text = printable(detail);
  const more = [advice, link].flatMap((line) => (line === undefined ? [] : printable(line)));
  return [
    `${first}${status === 'skipped' ? paint('dim', text) : text}`,
    ...(isQuiet ? [] : settingLines(settings)).map((line) => `${indent}${paint('dim', line)}`),
    ...more.map((line) => indent + line),
    '',
  ].join('\n');
}

/** @param {import('../doctor/finding').SettingSource[]} settings */
function settingLines(settings) {
  const width = Math.max(0, ...settings.map(({ setting }) => setting.length));
  return settings.map(({ setting, value, source, variable, file }) => {
    const place = variable === undefined || variable === setting ? [] : [variable];
    const from = source === 'variable' ? 'environment' : (file ?? source);
    const shown = value === undefined ? '' : `${printable(value)} `;
    return `${setting.padEnd(width)}  ${shown}(${[...place, printable(from)].join(', ')})`;
  });
}

module.exports = { options, run, usage };
