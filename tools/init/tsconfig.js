'use strict';

// The options of a project's TypeScript that decide how its modules name each other.

const { createRequire } = require('node:module');
const path = require('node:path');

const { isObject } = require('../support/json');
const { readableFile } = require('./files');

/** How many files that one configuration names, directly or not, are read. */
const MAX_FILES = 32;
/** What stands for the folder of the project's own configuration. */
const PROJECT = '${configDir}';

/**
 * The options, with all paths relative to the project.
 *
 * @typedef {object} TsConfig
 * @property {boolean} isWhole false if a part of it was not found
 * @property {Record<string, unknown>} options as far as they are no paths
 * @property {string} [baseUrl]
 * @property {Record<string, string[]>} paths
 */

/**
 * The configuration of a project, with those that it extends. Those that it refers to add what it does not state.
 *
 * @param {string} root
 * @returns {TsConfig | undefined} undefined: there is none
 */
function readTsConfig(root) {
  /** @type {Set<string>} */
  const seen = new Set();
  /** @param {string} name relative to the root @returns {TsConfig | undefined} */
  const read = (name) => {
    const file = readableFile(root, name);
    if (file === undefined || seen.has(name) || seen.size >= MAX_FILES) return undefined;
    seen.add(name);
    const json = parsed(file.text);
    const folder = path.dirname(name);
    const at = (/** @type {string} */ one, base = folder) =>
      one.startsWith(PROJECT) ? path.join('.', one.slice(PROJECT.length)) : path.join(base, one);
    /** @type {TsConfig} */
    const config = { isWhole: json !== undefined, options: {}, paths: {} };
    for (const base of listOf(json?.['extends'])) {
      const found = extended(root, folder, base);
      const above = found === undefined ? undefined : read(found);
      if (!above?.isWhole) config.isWhole = false;
      Object.assign(config.options, above?.options);
      Object.assign(config.paths, above?.paths);
      if (above?.baseUrl !== undefined) config.baseUrl = above.baseUrl;
    }
    const own = isObject(json?.['compilerOptions']) ? json['compilerOptions'] : {};
    Object.assign(config.options, own);
    if (typeof own['baseUrl'] === 'string') config.baseUrl = at(own['baseUrl']);
    if (isObject(own['paths'])) {
      config.paths = targetsOf(own['paths'], (one) => at(one, config.baseUrl));
    }
    for (const reference of Array.isArray(json?.['references']) ? json['references'] : []) {
      if (!isObject(reference) || typeof reference['path'] !== 'string') continue;
      const target = at(reference['path']);
      const other = read(target) ?? read(path.join(target, 'tsconfig.json'));
      config.options = { ...other?.options, ...config.options };
      config.paths = { ...other?.paths, ...config.paths };
    }
    return config;
  };
  return read('tsconfig.json') ?? read('jsconfig.json');
}

/**
 * The file that a configuration extends.
 *
 * @param {string} root
 * @param {string} folder of the configuration, relative to the root
 * @param {string} base as it names it
 * @returns {string | undefined} relative to the root
 */
function extended(root, folder, base) {
  const isPath = /^\.{0,2}[\\/]|^\.\.?$/.test(base);
  const names = [base, `${base}.json`, `${base}/tsconfig.json`];
  if (isPath) {
    const files = names.map((name) => path.relative(root, path.resolve(root, folder, name)));
    return files.find((name) => readableFile(root, name) !== undefined);
  }
  const { resolve } = createRequire(path.resolve(root, folder, 'tsconfig.json'));
  for (const name of names) {
    try {
      const file = resolve(name);
      if (file.endsWith('.json')) return path.relative(root, file);
    } catch {
      // The next one may be there.
    }
  }
  return undefined;
}

/**
 * @param {Record<string, unknown>} members
 * @param {(target: string) => string} at
 * @returns {Record<string, string[]>}
 */
const targetsOf = (members, at) =>
  Object.fromEntries(Object.entries(members).map(([name, to]) => [name, listOf(to).map(at)]));

/** @param {unknown} value a text, or a list of texts @returns {string[]} */
const listOf = (value) =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');

/**
 * @param {string} text JSON, with comments and commas behind the last members
 * @returns {Record<string, unknown> | undefined} undefined: it is no object
 */
function parsed(text) {
  const json = text
    .replace(/("(?:\\.|[^"\\])*")|\/\*[^]*?\*\/|\/\/.*/g, (_, quoted) => quoted ?? ' ')
    .replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, quoted) => quoted ?? '');
  try {
    const value = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { readTsConfig };
