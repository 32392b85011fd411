'use strict';

// The checks of this machine: Node, the binary, the settings.

const { existsSync, readFileSync } = require('node:fs');
const { parseEnv } = require('node:util');

const { engines } = require('../../package.json');
const { settingsOf } = require('../support/destination');
const { FILE_VARIABLES, nearestFile } = require('../../js/environment');
const { parse } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { messageOf } = require('../../js/json/json-safe-copy');
const { SKIPPED } = require('./finding');

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
 * @returns {Finding}
 */
function checkSettings(known) {
  if (known.native !== true) return SKIPPED;
  try {
    known.settings = settingsOf();
    known.plan = parse(loadNative().plan(known.settings));
  } catch (error) {
    return { status: 'failed', detail: messageOf(error), advice: keyElsewhere() ?? sources() };
  }
  const file = nearestFile();
  if (file.error !== undefined) {
    const detail = `${file.path} cannot be read (${file.error.message}), and is left out`;
    return { status: 'warning', detail, advice: 'Make the file readable, or remove it.' };
  }
  const { spoolDir } = known.plan;
  const spool = spoolDir === null ? '' : `; spool in ${spoolDir}`;
  return { status: 'ok', detail: sources() + spool };
}

/** The names of the variables that are set, by source. Never their values. */
function sources() {
  const given = (/** @type {NodeJS.Dict<string>} */ variables) =>
    FILE_VARIABLES.filter((name) => (variables[name] ?? '').trim() !== '');
  const set = given(process.env);
  const file = nearestFile();
  const parts = [`in the environment: ${list(set)}`];
  if (file.path !== undefined) {
    parts.push(`in ${file.path}: ${list(given(file.variables).filter((n) => !set.includes(n)))}`);
  }
  return parts.join('; ');
}

/** @param {string[]} names */
const list = (names) => names.join(', ') || 'nothing';

/** A hint for a key in `.env`, which Flue reads and this package does not. */
function keyElsewhere() {
  if (!existsSync('.env')) return undefined;
  try {
    if (!parseEnv(readFileSync('.env', 'utf8')).BRAINTRUST_API_KEY) return undefined;
  } catch {
    return undefined;
  }
  return '.env has a key, which only Flue reads: try `flue-braintrust doctor --env-file .env`.';
}

module.exports = { checkNative, checkNode, checkSettings };
