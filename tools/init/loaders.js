'use strict';

// The modules and functions that set variables from files.

const { withoutTexts } = require('./lexer');
const { assignedImportsOf, escaped, importsOf } = require('./source');

/** Modules that set variables from files when they are loaded. */
const LOADS_VARIABLES =
  /^(?:(?:@dotenvx\/)?dotenv[\w-]*\/(?:config|load)(?:\.js)?|varlock\/auto-load)$/;
/** Packages that set variables from files when their function `config` is called. */
const LOADERS = new Set([
  'dotenv',
  'dotenv-flow',
  'dotenv-defaults',
  'dotenv-safe',
  '@dotenvx/dotenvx',
]);
const CONFIG = /(?<![\w$])config\s*\(/;
/** Node's own function for that. */
const NODE_LOADER = /(?<![\w$])loadEnvFile\s*\(/;

/** @param {string} from @returns {boolean} whether it is a module of a package that sets variables */
const isLoader = (from) => LOADS_VARIABLES.test(from);

/**
 * The package by whose function an ES module sets variables, after all that it imports.
 *
 * @param {string} text
 * @returns {string | undefined} `process` for Node's function; undefined: it calls none
 */
function loaderCalled(text) {
  const code = withoutTexts(text);
  const loader = importsOf(text).find(({ from }) => LOADERS.has(from))?.from;
  if (loader !== undefined && CONFIG.test(code)) return loader;
  return NODE_LOADER.test(code) ? 'process' : undefined;
}

/** @param {string} from @returns {string | undefined} the function of a package that sets variables */
function functionOf(from) {
  if (LOADERS.has(from)) return 'config';
  if (from === '@next/env') return 'loadEnvConfig';
  return /^(?:node:)?process$/.test(from) ? 'loadEnvFile' : undefined;
}

/**
 * What a source calls to set variables by a package.
 *
 * @param {string} text
 * @returns {string[]} patterns
 */
function loaderCalls(text) {
  return [
    // `require('dotenv').config()`, or of a variable.
    String.raw`(?:dotenv\w*|require\s*\([^)]*\))\s*\.\s*config`,
    String.raw`process\s*\.\s*loadEnvFile`,
    ...[...assignedImportsOf(text), ...importsOf(text)].flatMap(({ clause, from }) => {
      const name = functionOf(from);
      if (name === undefined) return [];
      const whole = callsIn(clause, 'default').map((all) => String.raw`${all}\s*\.\s*${name}`);
      return callsIn(clause, name).concat(whole);
    }),
  ];
}

/**
 * How a module calls a function of another one that it has loaded.
 *
 * @param {string} clause by which it holds that
 * @param {string} name `default` for the default export
 * @returns {string[]} patterns, none if it does not call it
 */
function callsIn(clause, name) {
  const [, all] = /^\*\s*as\s+([\w$]+)/.exec(clause) ?? [];
  if (all !== undefined) return [String.raw`${escaped(all)}\s*\.\s*${name}`];
  const [own] = /^[\w$]+/.exec(clause) ?? [];
  if (name === 'default' && own !== undefined) return [escaped(own)];
  const alias = String.raw`(?:(?:\s*:\s*|\s+as\s+)([\w$]+))?`;
  const named = new RegExp(String.raw`(?<![\w$])${name}${alias}(?![\w$])`).exec(clause);
  return named === null ? [] : [escaped(named[1] ?? name)];
}

/**
 * Where a source calls functions.
 *
 * @param {string} text
 * @param {readonly string[]} calls patterns of what is called
 * @returns {{ start: number, end: number }[]} from the name to the parenthesis
 */
function placesOf(text, calls) {
  if (calls.length === 0) return [];
  const pattern = new RegExp(
    String.raw`(?<![\w$.])(?<!function\s{0,9}\*?\s{0,9})(?:${calls.join('|')})\s*\(`,
    'g',
  );
  return [...withoutTexts(text).matchAll(pattern)]
    .map(({ index, 0: call }) => ({ start: index, end: index + call.length }))
    .filter(({ start, end }) => {
      const call = text.slice(start, end);
      return !call.startsWith('require') || call.includes('dotenv');
    });
}

module.exports = { callsIn, isLoader, loaderCalled, loaderCalls, placesOf };
