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
 * What a project's configuration means for names of modules.
 *
 * @typedef {object} TsConfig
 * @property {boolean} isWhole false if a part of it was not found
 * @property {Record<string, unknown>} options as they are stated
 * @property {string} [baseUrl] relative to the project
 * @property {Record<string, string[]>} paths with targets relative to the project
 */

/**
 * An option, with the folder of the configuration that states it.
 *
 * @template T
 * @typedef {{ value: T, folder: string }} Stated
 */

/**
 * A configuration with all that it extends, its paths as they are stated.
 *
 * @typedef {object} Chain
 * @property {boolean} isWhole
 * @property {Record<string, unknown>} options
 * @property {Stated<string>} [baseUrl]
 * @property {Stated<Record<string, unknown>>} [paths]
 * @property {string[]} references
 */

/**
 * The configuration of a project, with those that it extends. If it has `references`, these configurations of parts of the
 * project add their options, as far as it does not state them, and their `paths`.
 *
 * @param {string} root
 * @returns {TsConfig | undefined} undefined: there is none
 */
function readTsConfig(root) {
  /** By their names; without a value while they are read. @type {Map<string, Chain | undefined>} */
  const chains = new Map();
  /** The same. @type {Map<string, TsConfig | undefined>} */
  const configs = new Map();
  /** @param {string} name relative to the root @returns {Chain | undefined} */
  const chainOf = (name) => {
    if (chains.has(name) || chains.size >= MAX_FILES) return chains.get(name);
    const file = readableFile(root, name);
    if (file === undefined) return undefined;
    chains.set(name, undefined);
    const json = parsed(file.text);
    const folder = path.dirname(name);
    /** @type {Chain} */
    const chain = { isWhole: json !== undefined, options: {}, references: [] };
    for (const base of listOf(json?.['extends'])) {
      const found = extended(root, folder, base);
      const above = found === undefined ? undefined : chainOf(found);
      const isWhole = chain.isWhole && above?.isWhole === true;
      const options = Object.assign(chain.options, above?.options);
      Object.assign(chain, above, { isWhole, options });
    }
    const own = isObject(json?.['compilerOptions']) ? json['compilerOptions'] : {};
    Object.assign(chain.options, own);
    if (typeof own['baseUrl'] === 'string') chain.baseUrl = { value: own['baseUrl'], folder };
    if (isObject(own['paths'])) chain.paths = { value: own['paths'], folder };
    chain.references = referencesOf(json?.['references']);
    chains.set(name, chain);
    return chain;
  };
  /** @param {string} name relative to the root @returns {TsConfig | undefined} */
  const configOf = (name) => {
    const chain = configs.has(name) ? undefined : chainOf(name);
    if (chain === undefined) return configs.get(name);
    configs.set(name, undefined);
    const project = path.dirname(name);
    const at = (/** @type {string} */ one, folder = project) =>
      one.startsWith(PROJECT)
        ? path.join(project, one.slice(PROJECT.length))
        : path.join(folder, one);
    const { isWhole, options, baseUrl, paths } = chain;
    const base = baseUrl && at(baseUrl.value, baseUrl.folder);
    /** @type {TsConfig} */
    const config = {
      isWhole,
      options,
      ...(base === undefined ? {} : { baseUrl: base }),
      paths: targetsOf(paths?.value ?? {}, (one) => at(one, base ?? paths?.folder)),
    };
    for (const reference of chain.references) {
      const target = at(reference);
      const other = configOf(target) ?? configOf(path.join(target, 'tsconfig.json'));
      config.options = { ...other?.options, ...config.options };
      for (const [alias, targets] of Object.entries(other?.paths ?? {})) {
        config.paths[alias] = [...(config.paths[alias] ?? []), ...targets];
      }
    }
    configs.set(name, config);
    return config;
  };
  return configOf('tsconfig.json') ?? configOf('jsconfig.json');
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

/** @param {unknown} references @returns {string[]} their paths */
const referencesOf = (references) =>
  (Array.isArray(references) ? references : []).flatMap((one) =>
    isObject(one) ? listOf(one['path']) : [],
  );

/** @param {unknown} value a text, or a list of texts @returns {string[]} */
const listOf = (value) =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');

/**
 * @param {string} text JSON, with comments and commas behind the last members
 * @returns {Record<string, unknown> | undefined} undefined: it is not an object
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
