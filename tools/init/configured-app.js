'use strict';

// Where the sources of the application are, as far as its configurations name another place than the usual.

const path = require('node:path');

const { Failure } = require('../support/usage');
const { readFile, readableFile } = require('./files');
const { withoutTexts } = require('./lexer');
const { closingOf, escaped, flattened } = require('./source');
const { allImportsOf } = require('./tracing');

/** In the order in which Vite and Flue look for them; the first one counts. */
const VITE = ['js', 'mjs', 'ts', 'cjs', 'mts', 'cts'].map((ending) => `vite.config.${ending}`);
const FLUE_CONFIGURATIONS = ['ts', 'mts', 'mjs', 'js', 'cjs', 'cts'].map(
  (ending) => `flue.config.${ending}`,
);
const PLUGIN = '@flue/vite';

/** @typedef {import('./files').SourceFile} SourceFile */

/**
 * An option `app`: a path in quotes, or code that is not evaluated here.
 *
 * @typedef {{ path: string } | { code: string }} AppOption
 */

/**
 * The folder in which Flue looks for everything: the root of Vite, if its configuration names one by a path in quotes.
 *
 * @param {string} root
 * @returns {string} relative to the root; `.` for the root itself
 */
function viteRoot(root) {
  const text = firstReadable(root, VITE)?.text ?? '';
  const call = pluginCall(text);
  if (call === undefined) return '.';
  const code = withoutTexts(text);
  const open = enclosingObject(code, call.start);
  if (open === -1) return '.';
  const members = flattened(code.slice(open + 1, closingOf(code, open)));
  const key = /(?=root)(?<=^\s*|,\s*)root\s*:\s*(?=["'`])/.exec(members);
  if (key === null) return '.';
  const named = /^(["'`])([^"'`\\$]+)\1/.exec(
    text.slice(open + 1 + key.index + key[0].length),
  )?.[2];
  return path.relative(root, path.resolve(root, named ?? '.')) || '.';
}

/**
 * Where the innermost object begins that a place is in.
 *
 * @param {string} code without its texts
 * @param {number} at
 * @returns {number} -1 if there is none
 */
function enclosingObject(code, at) {
  let open = at;
  while (open >= 0 && (code.charAt(open) !== '{' || closingOf(code, open) < at)) open -= 1;
  return open;
}

/**
 * The entry that the options of Flue's plugin name, else the one that Flue's configuration names.
 *
 * @param {string} root
 * @param {string} base the folder in which Flue looks for everything
 * @param {boolean} hasUsual whether there is an app in the usual place
 * @returns {{ app?: SourceFile, unknown?: string }} `unknown`: how a configuration names one that is not known here
 */
function configuredApp(root, base, hasUsual) {
  const vite = firstReadable(root, VITE);
  const names = FLUE_CONFIGURATIONS.map((name) => path.join(base, name));
  const flue = firstReadable(root, names);
  const inline = vite && inlineOption(vite.text, hasUsual);
  const config = inline === undefined ? flue : vite;
  const option = inline ?? (flue && appOption(flue.text));
  if (config === undefined || option === undefined) return {};
  if ('code' in option) return { unknown: `\`${option.code}\` in ${config.path}` };
  const name = path.normalize(path.relative(root, path.resolve(root, base, option.path)));
  const app = readFile(root, name);
  if (app !== undefined && 'text' in app) return { app };
  const why = app === undefined ? 'is not there' : `cannot be read: ${app.why}`;
  throw new Failure(`${name}, which ${config.path} names, ${why}`);
}

/** @param {string} root @param {string[]} names */
const firstReadable = (root, names) =>
  names.map((name) => readableFile(root, name)).find((file) => file !== undefined);

/**
 * The call of Flue's plugin.
 *
 * @param {string} text of Vite's configuration
 * @returns {{ start: number, open: number, end: number } | undefined} and its brackets
 */
function pluginCall(text) {
  const clause = allImportsOf(text).find(({ from }) => from === PLUGIN)?.clause;
  if (clause === undefined) return undefined;
  const local = /(?<![\w$])flue\s*(?:\bas\b|:)\s*([\w$]+)/.exec(clause)?.[1] ?? 'flue';
  const code = withoutTexts(text);
  const call = new RegExp(String.raw`(?<![\w$])${escaped(local)}\s*\(`);
  const found = call.exec(code);
  if (found === null) return undefined;
  const open = found.index + found[0].length - 1;
  return { start: found.index, open, end: closingOf(code, open) };
}

/**
 * The option in the call of Flue's plugin.
 *
 * @param {string} text of Vite's configuration
 * @param {boolean} hasUsual
 * @returns {AppOption | undefined}
 */
function inlineOption(text, hasUsual) {
  const call = pluginCall(text);
  if (call === undefined) return undefined;
  const { start, open, end } = call;
  const options = withoutTexts(text)
    .slice(open + 1, end)
    .trim();
  if (options === '') return undefined;
  const isObject = options.startsWith('{');
  const own = isObject ? appOption(text, [open, end]) : undefined;
  if (own !== undefined || (isObject && !options.includes('...'))) return own;
  // They are composed elsewhere. Where there is no usual app, they probably name one.
  const isNamed = appOption(text) !== undefined || !hasUsual;
  return isNamed ? { code: text.slice(start, end + 1).replace(/\s+/g, ' ') } : undefined;
}

/**
 * @param {string} text
 * @param {[start: number, end: number]} [range] of the text that is searched
 * @returns {AppOption | undefined}
 */
function appOption(text, [start, end] = [0, text.length]) {
  const code = withoutTexts(text);
  const keys = code.slice(start, end).matchAll(/(?<=[{,]\s*)(?:app|(["']) {3}\1)\s*(?=[:,}])/g);
  for (const key of keys) {
    const at = start + key.index;
    if (!/^["']?app\b/.test(text.slice(at))) continue;
    const after = at + key[0].length;
    const last = endOfValue(code, after);
    const blank = code.slice(after + 1, last);
    const first = last - blank.trimStart().length;
    const value = text.slice(first, first + blank.trim().length);
    if (value === 'undefined') continue;
    const quoted = /^(["'`])([^"'`\\$]+)\1$/.exec(value)?.[2];
    return quoted === undefined ? { code: text.slice(at, last).trim() } : { path: quoted };
  }
  return undefined;
}

/**
 * Where the value of a member ends.
 *
 * @param {string} code without its texts
 * @param {number} start
 */
function endOfValue(code, start) {
  for (let at = start; at < code.length; at++) {
    if (',};'.includes(code.charAt(at))) return at;
    if ('([{'.includes(code.charAt(at))) at = closingOf(code, at);
  }
  return code.length;
}

module.exports = { FLUE_CONFIGURATIONS, configuredApp, viteRoot };
