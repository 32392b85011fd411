'use strict';

// The checks of this machine: Node, the binary, the settings.

const path = require('node:path');

const { engines } = require('../../package.json');
const { development } = require('../init/packages');
const { readProject } = require('../init/project');
const { settingsOf } = require('../support/destination');
const { devVarsFiles, emptyEnvironment } = require('../support/cloudflare');
const { variablesIn } = require('../support/env-file');
const { shellWord } = require('../support/shell-word');
const { projectFolders } = require('../support/workspace');
const { environment, nearestFile } = require('../../js/environment');
const { parse } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { pickOptions } = require('../../js/options');
const { messageOf } = require('../../js/json/describe');
const { LOCAL_KEY, takesKey } = require('../support/local-key');
const { doubtfulSettings } = require('./doubtful-settings');
const { runningCollector } = require('./explain');
const { SKIPPED } = require('./finding');
const { isFilled, sources, variablesBySource } = require('./sources');
const { unknownVariables } = require('./unknown-variables');

/** @typedef {import('./finding').Finding} Finding */
/** @typedef {import('./finding').Known} Known */

/** @returns {Finding} */
function checkNode() {
  const { node } = process.versions;
  const needed = engines.node.replace(/[^\d.]/g, '');
  if (node.localeCompare(needed, 'en', { numeric: true }) >= 0) {
    return { status: 'ok', detail: node };
  }
  const detail = `${node} is too old; Flue needs ${needed} or newer`;
  return { status: 'failed', detail, advice: 'Install a newer Node from https://nodejs.org.' };
}

/**
 * @param {Known} known
 * @returns {Finding}
 */
function checkNative(known) {
  try {
    loadNative();
    known.native = true;
    return { status: 'ok', detail: `loaded for ${process.platform}-${process.arch}` };
  } catch (error) {
    // The message names the remedy.
    return { status: 'failed', detail: messageOf(error) };
  }
}

/**
 * @param {Known} known
 * @returns {Promise<Finding>}
 */
async function checkSettings(known) {
  if (known.native !== true) return SKIPPED;
  const { env } = environment();
  try {
    // What only JavaScript checks.
    pickOptions({}, env);
    known.settings = settingsOf();
    known.plan = parse(loadNative().plan(known.settings));
  } catch (error) {
    const detail = messageOf(error);
    const lacksKey = /no API key/.test(detail);
    const advice = lacksKey ? await adviceOnMissingKey() : variablesBySource(known.envFile);
    // A setting may be missing because its name is mistyped.
    const sentences = [...unknownVariables(env, nearestFile()), advice];
    return { status: 'failed', detail, advice: sentences.join(' '), settings: sources(known) };
  }
  const settings = sources(known);
  const file = nearestFile();
  if (file.error !== undefined) {
    const detail = `${file.path} cannot be used (${file.error.message}), and is left out`;
    const advice = 'Make the file yours and readable, with `chmod o-w`, or remove it.';
    return { status: 'warning', detail, advice, settings };
  }
  const unknown = unknownVariables(env, file);
  const doubts = [...unknown, ...doubtfulSettings(env, known.plan.spoolDir)];
  if (doubts.length > 0) return { status: 'warning', detail: doubts.join(' '), settings };
  const keyless = devVarsFiles('.').filter(
    ({ variables }) => !isFilled(variables.BRAINTRUST_API_KEY),
  );
  if (keyless.length > 0) {
    const names = keyless.map(({ name }) => name).join(' and ');
    const detail = `there is no BRAINTRUST_API_KEY in ${names}, from which alone a Worker gets its variables in development`;
    return { status: 'warning', detail, advice: 'Set it there, too.', settings };
  }
  const empty = projectFolders('.')
    .map((folder) => emptyEnvironment('.', folder))
    .find((found) => found !== undefined);
  if (empty !== undefined) return { status: 'warning', ...empty, settings };
  const { spoolDir } = known.plan;
  const spool = spoolDir === null ? '' : `; spool in ${spoolDir}`;
  return { status: 'ok', detail: variablesBySource(known.envFile) + spool, settings };
}

/** Where a key is, or how to do without one. */
async function adviceOnMissingKey() {
  return (
    keyElsewhere() ??
    (await localCollector()) ??
    `Without an account, \`npx flue-braintrust dev -- ${startCommand()}\` shows the traces of an application here.`
  );
}

/** What starts the application in this directory, if there is one. */
function startCommand() {
  try {
    return development(readProject('.'));
  } catch {
    return 'npm run dev';
  }
}

/** A hint for a key in a file that others read, and this package does not. */
function keyElsewhere() {
  const names = projectFolders('.').map((folder) => path.join(folder, '.env'));
  const files = [
    ...names.map((name) => ({ name, variables: variablesIn(name) })),
    ...devVarsFiles('.'),
  ];
  const found = files.find(({ variables }) => isFilled(variables.BRAINTRUST_API_KEY));
  if (found === undefined) return undefined;
  const { name } = found;
  const reader = names.includes(name) ? 'Flue reads' : "Cloudflare's tools read";
  return `${name} has a key, which only ${reader}: try \`npx flue-braintrust doctor --env-file ${shellWord(name)}\`.`;
}

/** A hint for an application that is to send to a local collector. */
async function localCollector() {
  const url = await runningCollector();
  const isOpen = url && (await takesKey(url, LOCAL_KEY).catch(() => undefined));
  if (isOpen === undefined) return undefined;
  const key = isOpen ? LOCAL_KEY : '<the token that it has printed>';
  return `\`flue-braintrust dev\` runs at ${url}: for traces there, set BRAINTRUST_API_KEY=${key}, BRAINTRUST_ORG_NAME=local, BRAINTRUST_APP_URL=${url} and BRAINTRUST_API_URL=${url}.`;
}

module.exports = { checkNative, checkNode, checkSettings };
