'use strict';

// Reads a Flue project, as far as `init` needs it. Changes nothing.

const fs = require('node:fs');
const path = require('node:path');

const { Failure } = require('../support/usage');

/** In the order in which Flue looks for them. */
const EXTENSIONS = ['ts', 'mts', 'js', 'mjs'];
/** In the order in which Flue takes them; the last is the project itself. */
const SOURCE_ROOTS = ['.flue', 'src', '.'];
const SOURCE_FILE = /(?<!\.d)\.m?[jt]s$/;
const NOT_SOURCES = new Set(['node_modules', 'dist', 'build', 'coverage']);
/** The files that start the application. */
const LAUNCHERS = ['package.json', 'Dockerfile', 'Procfile'];
const LOCK_FILES = /** @type {const} */ ([
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
]);

/** @typedef {{ path: string, text: string }} SourceFile the path is relative to the project */

/**
 * A Flue project, as far as it matters here.
 *
 * @typedef {object} Project
 * @property {string} root
 * @property {string} sourceRoot relative to the root; `.` for the root itself
 * @property {'0.8' | '0.x' | 'beta' | '2.x'} line of Flue
 * @property {SourceFile | undefined} app
 * @property {SourceFile[]} sources all modules below the source root
 * @property {SourceFile[]} launchers files that start the application
 * @property {Record<string, string>} dependencies of all kinds
 * @property {'npm' | 'pnpm' | 'yarn' | 'bun'} packageManager
 */

/**
 * @param {string} directory
 * @returns {Project}
 */
function readProject(directory) {
  const root = path.resolve(directory);
  const manifest = readText(path.join(root, 'package.json'));
  if (manifest === undefined) throw new Failure(`there is no package.json in ${root}`);
  const dependencies = dependenciesOf(manifest, root);
  const version = installedVersion(root) ?? dependencies['@flue/runtime'];
  if (version === undefined) {
    throw new Failure(`${root} is no Flue project: it does not depend on @flue/runtime`);
  }
  const exists = (/** @type {string} */ name) => fs.existsSync(path.join(root, name));
  const sourceRoot = SOURCE_ROOTS.find((name) => isDirectory(path.join(root, name))) ?? '.';
  const sources = sourcesIn(root, sourceRoot);
  const appPath = configuredApp(root) ?? firstOf(sources, path.join(sourceRoot, 'app'))?.path;
  return {
    root,
    sourceRoot,
    line: lineOf(version),
    app: appPath === undefined ? undefined : readSource(root, appPath),
    sources,
    launchers: LAUNCHERS.filter(exists).map((name) => readSource(root, name)),
    dependencies,
    packageManager: LOCK_FILES.find(([lock]) => exists(lock))?.[1] ?? 'npm',
  };
}

/**
 * @param {string} manifest
 * @param {string} root
 * @returns {Record<string, string>}
 */
function dependenciesOf(manifest, root) {
  try {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(manifest);
    return { ...optionalDependencies, ...devDependencies, ...dependencies };
  } catch {
    throw new Failure(`the package.json in ${root} is not JSON`);
  }
}

/**
 * The version of Flue that is installed, here or above.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
function installedVersion(root) {
  for (let at = root; ; at = path.dirname(at)) {
    const text = readText(path.join(at, 'node_modules/@flue/runtime/package.json'));
    if (text !== undefined) return JSON.parse(text).version;
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
 * The application's entry, where Flue's configuration names another than the usual.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
function configuredApp(root) {
  for (const extension of EXTENSIONS) {
    const config = readText(path.join(root, `flue.config.${extension}`));
    const app = /\bapp\s*:\s*(["'])([^"']+)\1/.exec(config ?? '')?.[2];
    if (app !== undefined && fs.existsSync(path.join(root, app))) return path.normalize(app);
  }
  return undefined;
}

/**
 * @param {string} root
 * @param {string} sourceRoot
 * @returns {SourceFile[]}
 */
function sourcesIn(root, sourceRoot) {
  /** @param {string} folder @returns {string[]} */
  const below = (folder) =>
    fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) return isSourceFolder(entry.name) ? below(name) : [];
      return SOURCE_FILE.test(entry.name) ? [name] : [];
    });
  return below(sourceRoot).map((name) => readSource(root, name));
}

/** @param {string} name */
const isSourceFolder = (name) => !NOT_SOURCES.has(name) && !name.startsWith('.');

/**
 * @param {string} root
 * @param {string} name
 * @returns {SourceFile}
 */
function readSource(root, name) {
  return { path: name, text: fs.readFileSync(path.join(root, name), 'utf8') };
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
  return fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * @param {string} file
 * @returns {string | undefined} undefined when there is none
 */
function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

module.exports = { firstOf, readProject, readText };
