'use strict';

// The variables of the tracing module in the example of an environment file.

const { NOTHING } = require('./changes');

/** @typedef {import('./changes').Part} Part */
/** @typedef {import('./changes').ReadFile} ReadFile */

/** The variables of the tracing module, each with its comment in an example file. */
const VARIABLES = [
  { name: 'BRAINTRUST_API_KEY', value: '' },
  { name: 'BRAINTRUST_PROJECT_NAME', value: 'Flue' },
];

const EXAMPLE = '.env.example';

/**
 * The example of an environment file with our variables.
 *
 * @param {ReadFile} file
 * @returns {Part}
 */
function withVariables(file) {
  if (file === undefined) return NOTHING;
  if ('why' in file) return { changes: [], notes: [`${EXAMPLE} cannot be read: ${file.why}.`] };
  const before = file.text;
  const missing = VARIABLES.filter(
    ({ name }) => !new RegExp(`^\\s*#?\\s*(export\\s+)?${name}\\s*=`, 'm').test(before),
  );
  if (missing.length === 0) return NOTHING;
  const newline = before.includes('\r\n') ? '\r\n' : '\n';
  const gap = before === '' ? '' : before.endsWith('\n') ? newline : newline + newline;
  const lines = ['# Traces go to Braintrust once there is a key.'].concat(
    missing.map(({ name, value }) => `${name}=${value}`),
  );
  const after = before + gap + lines.map((line) => line + newline).join('');
  return { changes: [{ path: EXAMPLE, before, after }], notes: [] };
}

module.exports = { EXAMPLE, withVariables };
