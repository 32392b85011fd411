'use strict';

// The packages of a workspace of npm, pnpm, yarn or bun.

const fs = require('node:fs');
const path = require('node:path');

const { isObject } = require('./json');

/** The package on which each Flue project depends. */
const FLUE = '@flue/runtime';

/**
 * The folders of the packages that depend on Flue.
 *
 * @param {string} root of the workspace
 * @returns {string[]} relative to the root, which is not among them; none if it is not a workspace
 */
function fluePackages(root) {
  const patterns = patternsOf(root);
  const excluded = new Set(
    patterns.flatMap((one) => (one.startsWith('!') ? foldersOf(root, one.slice(1)) : [])),
  );
  const folders = patterns
    .flatMap((one) => (one.startsWith('!') ? [] : foldersOf(root, one)))
    .filter((folder) => folder !== '.' && !excluded.has(folder))
    .filter((folder) => dependsOnFlue(jsonIn(path.join(root, folder, 'package.json'))));
  return [...new Set(folders)].toSorted();
}

/**
 * The folders in which there may be a Flue project: the directory itself, and of a workspace those of its packages.
 *
 * @param {string} directory
 * @returns {string[]} relative to it
 */
const projectFolders = (directory) => ['.', ...fluePackages(directory)];

/**
 * The folders with a package.json that a pattern matches.
 *
 * @param {string} root
 * @param {string} pattern
 */
function foldersOf(root, pattern) {
  // Node before 22 lacks it; `doctor` names that.
  const files = fs.globSync?.(`${pattern.replace(/\/+$/, '')}/package.json`, {
    cwd: root,
    exclude: (name) => path.basename(name) === 'node_modules',
  });
  return (files ?? []).map((file) => path.normalize(path.dirname(file)));
}

/** @param {Record<string, any>} manifest */
const dependsOnFlue = ({ dependencies, devDependencies, optionalDependencies }) =>
  [dependencies, devDependencies, optionalDependencies].some(
    (names) => isObject(names) && FLUE in names,
  );

/**
 * Which folders are packages, as the package managers state it.
 *
 * @param {string} root
 * @returns {string[]}
 */
function patternsOf(root) {
  const { workspaces } = jsonIn(path.join(root, 'package.json'));
  const stated = isObject(workspaces) ? workspaces['packages'] : workspaces;
  const listed = patternsIn(textIn(path.join(root, 'pnpm-workspace.yaml')));
  const inManifest = Array.isArray(stated) ? stated : [];
  return [...inManifest, ...listed].filter((one) => typeof one === 'string' && one !== '');
}

/**
 * @param {string} yaml of pnpm
 * @returns {string[]} the items of its list `packages`, in either form
 */
function patternsIn(yaml) {
  const [, after = ''] = yaml.split(/^(?:packages|"packages"|'packages')[^\S\n]*:/m);
  const [, inBrackets] = /^\s*\[([^\]]*)\]/.exec(after) ?? [];
  const [list = ''] = after.split(/^[\w'"]/m);
  const items = inBrackets?.split(/[,\n]/) ?? list.split(/^\s*-/m).slice(1);
  return items.flatMap((item) => /^\s*(["']?)([^"'#\s]+)\1/.exec(item)?.[2] ?? []);
}

/** @param {string} file @returns {Record<string, any>} empty if there is no object in it */
function jsonIn(file) {
  try {
    const parsed = JSON.parse(textIn(file));
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** @param {string} file @returns {string} without a byte order mark; empty if it cannot be read */
function textIn(file) {
  try {
    return fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch {
    return '';
  }
}

module.exports = { FLUE, fluePackages, projectFolders };
