'use strict';

// Names of a project's modules that are not paths: `paths` of TypeScript, `imports` of package.json, `@/` and `~/`.

const path = require('node:path');

const { isObject } = require('../support/json');
const { OFFICIAL, OURS } = require('./tracing');

/**
 * A name and what it stands for, both with at most one `*`.
 *
 * @typedef {{ name: string, targets: string[] }} Alias targets relative to the project
 */

/** Names that projects usually give their modules by the configuration of a bundler, which is not evaluated here. */
const USUAL = ['@/*', '~/*'];

/**
 * @param {{ imports?: unknown }} manifest
 * @param {import('./tsconfig').TsConfig | undefined} tsconfig
 * @param {string} sourceRoot
 * @returns {Alias[]}
 */
function aliasesOf({ imports }, tsconfig, sourceRoot) {
  const { baseUrl, paths = {} } = tsconfig ?? {};
  const stated = Object.entries(paths).map(([name, targets]) => ({ name, targets }));
  const ofPackage = Object.entries(isObject(imports) ? imports : {}).map(([name, value]) => ({
    name,
    targets: textsIn(value).filter((target) => target.startsWith('./')),
  }));
  const usual = USUAL.filter((name) => !(name in paths)).map((name) => ({
    name,
    targets: [path.join(sourceRoot, '*'), '*'],
  }));
  const bare = baseUrl === undefined ? [] : [{ name: '*', targets: [path.join(baseUrl, '*')] }];
  return [...stated, ...ofPackage, ...usual, ...bare];
}

/** @param {unknown} value of a member of `imports`, for each condition @returns {string[]} */
function textsIn(value) {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/**
 * What a name may stand for. Of all aliases that fit, the one counts that states most of the name.
 *
 * @param {{ aliases: Alias[], dependencies: Record<string, string> }} project
 * @param {string} from
 * @returns {string[]} paths relative to the project
 */
function targetsOf({ aliases, dependencies }, from) {
  const [owner = ''] = /^(?:@[^/]*\/)?[^/]*/.exec(from) ?? [];
  const isPackage = owner in dependencies || [OFFICIAL, OURS].includes(owner);
  const fitting = aliases.flatMap(({ name, targets }) => {
    const [before = '', after] = name.split('*');
    if (after === undefined) return from === name ? { stated: Infinity, targets } : [];
    // What stands for anything does not stand for a package.
    if (isPackage && before === '') return [];
    const isMatch = from.startsWith(before) && from.endsWith(after);
    if (!isMatch || from.length < name.length - 1) return [];
    const rest = from.slice(before.length, from.length - after.length);
    const named = targets.map((target) => target.replaceAll('*', () => rest));
    return { stated: before.length, targets: named };
  });
  const most = Math.max(...fitting.map(({ stated }) => stated));
  return fitting.flatMap(({ stated, targets }) => (stated === most ? targets : []));
}

module.exports = { aliasesOf, targetsOf };
