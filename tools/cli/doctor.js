'use strict';

// The command `doctor`. The checks are in tools/doctor.

const { CHECKS } = require('../doctor/checks');
const { destinationUsage, destinationOptions, readEnvFile } = require('../support/destination');
const { painter, printJson } = require('../support/terminal');

const usage = `Usage: flue-braintrust doctor [--env-file FILE] [--json]

Checks, in order, everything that a trace needs to arrive, and says what is wrong and what to do: Node,
the native part, the settings, the network, the login, the organisation, the project, the limits. Then
it sends a trace of one span and prints its link. The key is never printed.

Exit codes: 0 a trace has arrived, 1 something is wrong.

Options:
${destinationUsage}
      --json           print the findings as JSON
  -h, --help           show this help
`;

/** @type {import('../support/usage').OptionsConfig} */
const options = { ...destinationOptions, json: { type: 'boolean' } };

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
  readEnvFile(values);
  const paint = painter(process.stdout);
  const known = {};
  const findings = [];
  for (const { id, title, run: check } of CHECKS) {
    const finding = await check(known);
    findings.push({ id, title, ...finding });
    if (values.json !== true) process.stdout.write(lines(title, finding, paint));
  }
  const ok = findings.every(({ status }) => status !== 'failed');
  if (values.json === true) printJson({ ok, checks: findings });
  else process.stdout.write(ok ? '\nTraces arrive.\n' : '\nTraces do not arrive.\n');
  return ok ? 0 : 1;
}

/**
 * @param {string} title
 * @param {Finding} finding
 * @param {ReturnType<typeof painter>} paint
 */
function lines(title, { status, detail, advice, link }, paint) {
  const { sign, style } = LOOKS[status];
  const indent = ' '.repeat(TITLE_WIDTH + 4);
  const first = `${paint(style, sign)} ${title.padEnd(TITLE_WIDTH)}  `;
  const text = status === 'skipped' ? paint('dim', detail) : detail;
  const more = [advice, link].filter((line) => line !== undefined);
  return [`${first}${text}`, ...more.map((line) => indent + line), ''].join('\n');
}

module.exports = { options, run, usage };
