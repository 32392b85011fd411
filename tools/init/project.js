'use strict';

// Reads a Flue project, as far as `init` needs it. Changes nothing.

const fs = require('node:fs');
const path = require('node:path');

const { isObject } = require('../support/json');
const { Failure } = require('../support/usage');
const { FLUE, fluePackages } = require('../support/workspace');
const { aliasesOf } = require('./aliases');
const { configuredApp, viteRoot } = require('./configured-app');
const { readFile, readableFile } = require('./files');
const { sourcesIn } = require('./sources');
const { readTsConfig } = require('./tsconfig');

/** In the order in which Flue looks for them. */
const EXTENSIONS = ['ts', 'mts', 'js', 'mjs', 'cts', 'cjs'];
/** In the order in which Flue takes them; the last is the project itself. */
const SOURCE_ROOTS = ['.flue', 'src', '.'];
/** The files that start the application. */
const LAUNCHERS = ['package.json', 'Dockerfile', 'Procfile'];
const LOCK_FILES = /** @type {const} */ ([
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
]);
/** How far above the project the lock file of a workspace, and a package.json, are looked for. */
const MAX_PARENTS = 16;

/** @typedef {import('./files').SourceFile} SourceFile */

/** Where there is not a Flue project; other failures are those of one that cannot be read. */
class NoProject extends Failure {}

/**
 * A Flue project, as far as it matters here.
 *
 * @typedef {object} Project
 * @property {string} root
 * @property {string} sourceRoot relative to the root; `.` for the root itself
 * @property {'0.8' | '0.x' | 'beta' | '2.x'} line of Flue
 * @property {SourceFile | undefined} app
 * @property {string | undefined} unknownApp how a configuration names an app that cannot be found
 * @property {SourceFile[]} sources all modules below the source root
 * @property {string[]} unreadable a note for each source that could not be read
 * @property {import('./tsconfig').TsConfig | undefined} tsconfig
 * @property {import('./aliases').Alias[]} aliases names of its modules that are not paths
 * @property {SourceFile[]} launchers files that start the application
 * @property {Record<string, string>} dependencies of all kinds
 * @property {boolean} hasDevScript whether `run dev` starts it
 * @property {string[]} pins where package.json sets the version of `braintrust` for the whole tree
 * @property {PackageManager} packageManager
 */

/** @typedef {'npm' | 'pnpm' | 'yarn' | 'bun'} PackageManager */

/**
 * @param {string} directory
 * @returns {Project}
 * @throws {Failure} a `NoProject` where there is none
 */
function readProject(directory) {
  const root = path.resolve(directory);
  const manifest = manifestOf(root);
  const dependencies = dependenciesOf(manifest);
  const range = dependencies[FLUE];
  // What is installed above may be that of a neighbour.
  if (range === undefined) throw noProject(root, `it does not depend on ${FLUE}`);
  const base = viteRoot(root);
  const roots = SOURCE_ROOTS.map((name) => path.join(base, name));
  const sourceRoot = roots.find((name) => isDirectory(path.join(root, name))) ?? base;
  const { sources, unreadable } = sourcesIn(root, sourceRoot);
  for (const name of ['app', 'braintrust']) refuseUnreadable(root, path.join(sourceRoot, name));
  const usual = firstOf(sources, path.join(sourceRoot, 'app'));
  const { app = usual, unknown } = configuredApp(root, base, usual !== undefined);
  if (
    app === undefined &&
    unknown === undefined &&
    sourceRoot === '.' &&
    fluePackages(root).length > 0
  ) {
    throw noProject(root, 'it has no sources of its own');
  }
  const tsconfig = readTsConfig(root);
  return {
    root,
    sourceRoot,
    tsconfig,
    aliases: aliasesOf(manifest, tsconfig, sourceRoot),
    line: lineOf(installedVersion(root) ?? range),
    app: unknown === undefined ? app : undefined,
    unknownApp: unknown,
    sources,
    unreadable,
    launchers: LAUNCHERS.flatMap((name) => readableFile(root, name) ?? []),
    dependencies,
    hasDevScript: typeof manifest.scripts?.dev === 'string',
    pins: pinsOf(manifest),
    packageManager: packageManagerOf(root, manifest),
  };
}

/**
 * @param {string} root
 * @param {string} why
 */
function noProject(root, why) {
  const packages = fluePackages(root);
  const advice =
    packages.length === 0
      ? ''
      : `. Run init in a Flue project of the workspace: ${packages.join(', ')}`;
  return new NoProject(`${root} is not a Flue project: ${why}${advice}`);
}

/**
 * @param {string} root
 * @returns {Record<string, any>}
 */
function manifestOf(root) {
  const manifest = readFile(root, 'package.json');
  if (manifest === undefined) {
    const above = upwards(root).find((one) => fs.existsSync(path.join(one, 'package.json')));
    const advice = above === undefined ? '' : `. The nearest is in ${above}: run init there`;
    throw new NoProject(`there is no package.json in ${root}${advice}`);
  }
  if ('why' in manifest) {
    throw new Failure(`the package.json in ${root} cannot be read: ${manifest.why}`);
  }
  const parsed = parsedObject(manifest.text);
  if (parsed === undefined) throw new Failure(`the package.json in ${root} is not JSON`);
  return parsed;
}

/**
 * Where the modules of init belong something may be that is not a readable file: it is not written over.
 *
 * @param {string} root
 * @param {string} stem of the module, relative to the root
 */
function refuseUnreadable(root, stem) {
  for (const name of EXTENSIONS.map((ending) => `${stem}.${ending}`)) {
    const file = readFile(root, name);
    if (file !== undefined && 'why' in file) {
      throw new Failure(`${name} cannot be read: ${file.why}`);
    }
  }
}

/**
 * @param {string} text without a byte order mark
 * @returns {Record<string, any> | undefined} undefined: it is not a JSON object
 */
function parsedObject(text) {
  try {
    const parsed = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {Record<string, any>} manifest
 * @returns {Record<string, string>}
 */
function dependenciesOf({ dependencies, devDependencies, optionalDependencies }) {
  return { ...optionalDependencies, ...devDependencies, ...dependencies };
}

/**
 * The members of package.json that set the version of `braintrust` for the whole tree.
 *
 * @param {Record<string, any>} manifest
 */
function pinsOf({ overrides, resolutions, pnpm }) {
  const members = { overrides, resolutions, 'pnpm.overrides': pnpm?.overrides };
  return Object.entries(members).flatMap(([name, versions]) => {
    const isPinned = Object.keys(versions ?? {}).some((key) =>
      /^(?:\*\*\/)?braintrust(?:@|$)/.test(key),
    );
    return isPinned ? [name] : [];
  });
}

/**
 * As package.json states it, else as the nearest lock file shows it.
 *
 * @param {string} root
 * @param {Record<string, any>} manifest
 * @returns {PackageManager}
 */
function packageManagerOf(root, { packageManager }) {
  const stated = /^(npm|pnpm|yarn|bun)@/.exec(String(packageManager))?.[1];
  if (stated !== undefined) return /** @type {PackageManager} */ (stated);
  for (const folder of upwards(root)) {
    const found = LOCK_FILES.find(([lock]) => fs.existsSync(path.join(folder, lock)));
    if (found !== undefined) return found[1];
  }
  return 'npm';
}

/** A folder and those above it, as far as they may belong to the same project. @param {string} folder */
function upwards(folder) {
  const folders = [folder];
  for (let at = folder; folders.length <= MAX_PARENTS; folders.push(at)) {
    // Outside of a repository nothing belongs to the project.
    if (fs.existsSync(path.join(at, '.git')) || at === path.dirname(at)) break;
    at = path.dirname(at);
  }
  return folders;
}

/**
 * The version of Flue that is installed, here or above.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
function installedVersion(root) {
  for (let at = root; ; at = path.dirname(at)) {
    const manifest = readableFile(at, 'node_modules/@flue/runtime/package.json');
    const { version } = parsedObject(manifest?.text ?? '') ?? {};
    if (typeof version === 'string') return version;
    if (at === path.dirname(at)) return undefined;
  }
}

/**
 * @param {string} version or a range; what cannot be read counts as the newest
 * @returns {Project['line']}
 */
function lineOf(version) {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === '0') return Number(minor) < 10 ? '0.8' : '0.x';
  return major === '1' ? 'beta' : '2.x';
}

/**
 * The module of that name, by whichever ending it has.
 *
 * @param {SourceFile[]} sources
 * @param {string} name without its ending
 */
function firstOf(sources, name) {
  return EXTENSIONS.map((ending) => sources.find((file) => file.path === `${name}.${ending}`)).find(
    (file) => file !== undefined,
  );
}

/** @param {string} directory */
function isDirectory(directory) {
  try {
    return fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // Links in a circle, or a folder that may not be entered.
    return false;
  }
}

module.exports = { NoProject, firstOf, manifestOf, packageManagerOf, readProject };
