'use strict';

// The variables by which `dev` gets the traces of an application.

const { INCLUDE_PROCESS_ENV, devVarsFiles, isForCloudflare } = require('../support/cloudflare');
const { LOCAL_KEY } = require('../support/local-key');
const { projectFolders } = require('../support/workspace');

/**
 * The variables that point an application at the collector.
 *
 * @param {import('../collector/types').Collector} collector
 * @param {string | undefined} token
 * @returns {Record<string, string>}
 */
function variablesOf({ url }, token) {
  return {
    BRAINTRUST_API_KEY: token ?? LOCAL_KEY,
    BRAINTRUST_APP_URL: url,
    BRAINTRUST_API_URL: url,
    // Another organisation, which the environment or `.env.braintrust` may name, does not exist here.
    BRAINTRUST_ORG_NAME: 'local',
  };
}

/**
 * The lines that set them in a shell, for the project or the workspace of the working directory.
 *
 * @param {Record<string, string>} variables
 */
function exportLines(variables) {
  const isInWorker = projectFolders('.').some(isForCloudflare);
  const all = { ...variables, ...(isInWorker && INCLUDE_PROCESS_ENV) };
  return Object.entries(all).map(([name, value]) => `  export ${name}=${value}`);
}

/**
 * Which files of the working directory, or of a workspace in it, keep the variables from a Worker, and what they must
 * have instead.
 *
 * @param {Record<string, string>} variables
 * @returns {string | undefined} undefined: none does
 */
function devVarsWarning(variables) {
  const expected = Object.entries(variables);
  const others = devVarsFiles('.').filter((file) =>
    expected.some(([name, value]) => file.variables[name] !== value),
  );
  if (others.length === 0) return undefined;
  const names = others.map(({ name }) => name).join(' and ');
  const lines = expected.map(([name, value]) => `${name}=${value}`).join(' ');
  return `a Worker gets its variables from ${names} alone: to send its traces here, it needs these there: ${lines}`;
}

module.exports = { devVarsWarning, exportLines, variablesOf };
